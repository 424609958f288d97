"""Levels are read where systems put them, and not out of prose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.formats.gravity import Levels
from calmtui.logs.formats.levels import level_of
from calmtui.logs.level import Level
from calmtui.logs.sgr import decode
from calmtui.logs.times import Clock


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("ERROR refusing to start", Level.ERROR),
        ("[warn] 7#7: upstream", Level.WARN),
        ("[main] WARNING: deprecated", Level.WARN),
        ("INFO:     Uvicorn running", Level.INFO),
        ("level=error msg=no", Level.ERROR),
        ('{"level":"warn","msg":"slow"}', Level.WARN),
        ('{"msg":"' + "x" * 200 + '","level":"fatal"}', Level.FATAL),
        ('{"level":50,"msg":"no"}', Level.ERROR),
        ("E1121 02:29:14.103000       1 x.go:1] no", Level.ERROR),
        ("[core:error] [pid 1] no", Level.ERROR),
        ("[71] LOG:  ready", Level.INFO),
        ("[71] FATAL:  no such role", Level.FATAL),
        ("2026 DEBUG error handler installed", Level.DEBUG),
        ("host sshd[1]: error: no", Level.ERROR),
        ("<info> ready", Level.INFO),
        ("found 0 errors", Level.NONE),
        ("no error so far", Level.NONE),
        ("information desk", Level.NONE),
        ("GET /error/info 200", Level.NONE),
        ("", Level.NONE),
        ("[error-handler-1] INFO  c.s.Web - up", Level.INFO),
        ("[WARN-pool-3] DEBUG c.s.ErrorService - up", Level.DEBUG),
        ("com.shop.ERROR INFO up", Level.INFO),
        ("http-nio-ERROR-1 up", Level.NONE),
        ("- shop.web - WARNING - slow", Level.WARN),
        ("info: Microsoft.Hosting.Lifetime[0]", Level.INFO),
        ("fail: Shop.Web[0]", Level.ERROR),
        ("daemon.err app[1]: no", Level.ERROR),
        ("%LINK-3-UPDOWN: Interface Gi0/1, changed state to down", Level.ERROR),
        ("<11>host app: no", Level.ERROR),
        ("=WARNING REPORT==== 21-Nov-2026::02:29:14 ===", Level.WARN),
        ("I, [2026-11-21T02:29:14.103 #7]  INFO -- : up", Level.INFO),
        ("[W 2026-11-21 02:29:14.103 ServerApp] slow", Level.WARN),
        ("1:M 21 Nov 2026 02:29:14.103 # out of memory", Level.WARN),
        ("1:M 21 Nov 2026 02:29:14.103 * Ready to accept connections tcp", Level.NOTICE),
        ('{"severity":"ERROR","message":"info"}', Level.ERROR),
        ('{"message":"say \\"level\\":\\"error\\" twice","level":"info"}', Level.INFO),
        ('{"log.level":"WARN","message":"slow"}', Level.WARN),
        ('{"s":"W","c":"NETWORK"}', Level.WARN),
        ("production.ERROR: no stock", Level.ERROR),
        ("[Server thread/WARN]: slow", Level.WARN),
        ("UTC::@:[71]:LOG:  ready", Level.INFO),
        ("Stack trace:", Level.NONE),
        ('{"PRIORITY":"3","MESSAGE":"no"}', Level.ERROR),
        ('{"severityNumber":17,"body":"no"}', Level.ERROR),
        ("caller=x.go:1 ts=1 msg=failed lvl=eror err=x severity=error", Level.ERROR),
    ],
)
def test_a_level_is_read_where_systems_put_it(line: str, level: Level) -> None:
    assert level_of(line) is level


@pytest.mark.parametrize(
    ("message", "level"), [("info ready", Level.INFO), ("E! no", Level.ERROR), ("1234  5678 W App: slow", Level.WARN)]
)
def test_behind_a_time_less_is_needed_to_be_a_level(message: str, level: Level) -> None:
    assert level_of(f"02:29:14 {message}", 9) is level
    assert level_of(message) is Level.NONE


LINES = ["info ready", "E! no", "production.ERROR: no", "[main/INFO]: up",
         "ERROR no", "INFO  [main] c.s.Web - up", "[main] WARN slow", '{"level":"warn","msg":"INFO"}', '{"level":40}',
         "E1121 02:29:14.103000       1 x.go:1] no", "level=error msg=no", "no error so far", "<11>host app: no",
         "1:M 21 Nov 2026 02:29:14.103 # memory", "app[7]: notice: x", "=ERROR REPORT", "\x1b[31mERROR\x1b[0m red",
         'msg="a long one" caller=x.go:1 level=warn', "I, [2026-11-21T02:29:14 #7] INFO -- : up", "", "é ERROR", "fine",
         "%LINK-3-UPDOWN: x", "[71] LOG:  ready", "D [conn1] up", "I NETWORK up", "\tat Web.java"]  # fmt: skip
TIMES = ["", "2026-11-21T02:29:14.103Z ", "[2026-11-21 02:29:14,103] ", "Nov 21 02:29:14 host ", "02:29:14.103 "]


@given(st.lists(st.tuples(st.sampled_from(TIMES), st.sampled_from(LINES) | st.text(max_size=30)), max_size=80))
def test_many_levels_at_once_are_read_as_one_by_one(drawn: list[tuple[str, str]]) -> None:
    lines = [f"{stamp}{text}".replace("\n", " ").encode("utf-8", "replace") for stamp, text in drawn]
    clock, levels = Clock(), Levels()
    for _ in range(2):  # the second time from what it remembers
        _, stamps = clock.read_all(lines)
        expected = [level_of(decode(line)[0], stamp) for line, stamp in zip(lines, stamps.tolist(), strict=True)]
        assert levels.read_all(lines, stamps).tolist() == expected
