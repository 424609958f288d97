"""Times at the beginning of lines, in the formats that real systems write."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.formats.columns import NO_TIME
from calmtui.logs.line import SECOND, rfc3339
from calmtui.logs.sgr import decode
from calmtui.logs.times import ADMITTED, SAMPLE, Clock

AT = 1_795_228_154_103_000_000  # 2026-11-21T02:29:14.103Z


@pytest.mark.parametrize(
    ("line", "expected", "rest"),
    [
        ("2026-11-21T02:29:14.103Z up", AT, "up"),
        ("2026-11-21 02:29:14,103 INFO up", AT, "INFO up"),
        ("2026-11-21T03:29:14.103+01:00 up", AT, "up"),
        ("2026-11-21T03:29:14.103+0100 up", AT, "up"),
        ("[2026-11-21T02:29:14.103Z] up", AT, "up"),
        ("2026-11-21 02:29:14.103 UTC [71] LOG:  up", AT, "[71] LOG:  up"),  # PostgreSQL
        ("2026/11/21 02:29:14 [error] 7#7: up", AT - 103_000_000, "[error] 7#7: up"),  # nginx
        ("1795228154.103 up", AT, "up"),
        ("1795228154103 up", AT, "up"),
        ("1795228154103000000 up", AT, "up"),
        ("[Sat Nov 21 02:29:14.103000 2026] [core:error] up", AT, "[core:error] up"),  # Apache
        ('{"level":"info","ts":1795228154.103,"msg":"up"}', AT, None),
        ('{"time":"2026-11-21T02:29:14.103Z","level":"INFO","msg":"up"}', AT, None),
        ('{"@timestamp":"2026-11-21T02:29:14.103Z","message":"up"}', AT, None),
        ('time="2026-11-21T02:29:14.103Z" level=info msg=up', AT, None),  # Docker
        ("ts=2026-11-21T02:29:14.103Z caller=main.go:1 level=info", AT, None),  # Prometheus
        ('10.1.2.3 - ana [21/Nov/2026:02:29:14 +0000] "GET / HTTP/1.1" 200 12', AT - 103_000_000, None),
        ('{"timeMillis":1795228154103,"level":"WARN"}', AT, None),  # Log4j 2
        ('{"name":"a","requestReceivedTimestamp":"2026-11-21T02:29:14.103Z"}', AT, None),  # Kubernetes audit
        ("type=SYSCALL msg=audit(1795228154.103:71): arch=c000003e", AT, None),
        ("[I 2026-11-21 02:29:14.103 ServerApp] up", AT, None),
        ("I, [2026-11-21T02:29:14.103 #71]  INFO -- : up", AT, None),
        ("ERROR 2026-11-21 02:29:14,103 basehttp up", AT, None),
        ("261121  2:29:14 [Warning] up", AT - 103_000_000, "[Warning] up"),  # MySQL before 5.7
        ("26/11/21 02:29:14 INFO up", AT - 103_000_000, "INFO up"),  # Spark
        ("*Nov 21 2026 02:29:14.103: %LINK-3-UPDOWN: up", AT, "%LINK-3-UPDOWN: up"),
        ("Nov 21, 2026 2:29:14 AM com.shop.Web handle", AT - 103_000_000, "com.shop.Web handle"),
        ("11/21/2026 2:29:14 AM up", AT - 103_000_000, "up"),
        ("21.11.2026 02:29:14 up", AT - 103_000_000, "up"),
        ("=ERROR REPORT==== 21-Nov-2026::02:29:14 ===", AT - 103_000_000, None),
        ("20261121T022914.103Z up", AT, "up"),
        ("2026-11-21T02:29:14.103Z|INFO|up", AT, "|INFO|up"),
        ("<34>1 2026-11-21T02:29:14.103Z host up", AT, "host up"),
        ("2026-11-21 03:29:14.103 CET up", AT, "up"),
    ],
)
def test_a_time_is_read_wherever_systems_put_it(line: str, expected: int, rest: str | None) -> None:
    stamp = Clock().read(line)
    assert stamp is not None
    assert rfc3339(stamp[0]) == rfc3339(expected)
    assert line[stamp[1] :] == (line if rest is None else rest)


@pytest.mark.parametrize(
    "line",
    ["", "    at com.shop.Web.handle(Web.java:12)", "0 errors found", "404 times", "2026-13-45T99:00:00Z no such day",
     "12345678901 is not a time", "10.1.2.3 answered", "Exception in thread main"],
)  # fmt: skip
def test_a_line_without_a_time_has_none(line: str) -> None:
    assert Clock().read(line) is None


@pytest.mark.parametrize(
    "form", ["%b %e %H:%M:%S host app[1]: up", "<13>%b %e %H:%M:%S host up", "I%m%d %H:%M:%S.000000 1 x.go:1] up"]
)
@pytest.mark.parametrize("ago", [timedelta(0), timedelta(days=40), timedelta(days=300)])
def test_a_date_without_a_year_is_the_last_one_that_was(form: str, ago: timedelta) -> None:
    moment = datetime.fromtimestamp(int(time.time()), UTC) - ago
    stamp = Clock().read(moment.strftime(form))
    assert stamp is not None
    assert stamp[0] == int(moment.timestamp()) * SECOND


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)), st.integers(-12, 14))
def test_what_rfc3339_writes_is_read_back(moment: datetime, hours: int) -> None:
    at = round(moment.replace(microsecond=0, tzinfo=UTC).timestamp()) * SECOND + moment.microsecond * 1000
    assert Clock().read(rfc3339(at)) == (at, 30)
    zone = f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
    stamp = Clock().read(moment.replace(microsecond=0).isoformat() + zone)
    assert stamp is not None
    assert stamp[0] == (at // SECOND - hours * 3600) * SECOND


def test_a_stream_is_held_to_the_format_that_it_began_with() -> None:
    clock = Clock()
    for _ in range(SAMPLE):
        assert clock.read("2026-11-21T02:29:14Z up")
    assert clock.read("1795228154 bytes read") is None


def test_a_stream_that_takes_to_another_format_is_followed() -> None:
    clock = Clock()
    for _ in range(SAMPLE):
        clock.read("2026-11-21T02:29:14Z up")
    for _ in range(ADMITTED):
        clock.read("1795228154.103 up")
    assert clock.read("1795228154.103 up") == (AT, 15)
    assert clock.read("2026-11-21T02:29:14.103Z up") == (AT, 25)


def test_a_time_without_a_zone_is_taken_in_the_clocks_own() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    lines = ["2026-11-21 03:29:14,103 winter", "2026-07-01 02:00:00,000 summer", "2026-11-21 02:29:14,103Z named"]
    expected = [AT, 1_782_864_000 * SECOND, AT]
    clock = Clock(berlin)
    assert [at for at, _ in filter(None, map(clock.read, lines))] == expected
    times, _ = clock.read_all([line.encode() for line in lines] * 3)
    assert times.tolist() == expected * 3


moments = st.datetimes(min_value=datetime(2002, 1, 1), max_value=datetime(2030, 1, 1))
WRITERS: dict[str, Callable[[datetime, str], str]] = {
    "iso": lambda t, word: f"{t:%Y-%m-%dT%H:%M:%S}.{t.microsecond:06d}Z {word}",
    "zones": lambda t, word: f"{t:%Y-%m-%d %H:%M:%S}{'+0100' if t.second % 2 else ' CET'} {word}",
    "python": lambda t, word: f"{t:%Y-%m-%d %H:%M:%S},{t.microsecond // 1000:03d} - {word}",
    "syslog": lambda t, word: f"<{t.second}>{t:%b %e %H:%M:%S} host {word}",
    "klog": lambda t, word: f"{'IWEF'[t.second % 4]}{t:%m%d %H:%M:%S.%f}       1 x.go:1] {word}",
    "access": lambda t, word: f'10.1.2.{t.second} - {word} [{t:%d/%b/%Y:%H:%M:%S} +0000] "GET / HTTP/1.1" 200',
    "zap": lambda t, word: f'{{"level":"info","ts":{t.replace(tzinfo=UTC).timestamp()!r},"msg":"{word}"}}',
    "logfmt": lambda t, word: f'msg="{word}" time="{t:%Y-%m-%dT%H:%M:%S.%f}Z"',
    "ctime": lambda t, word: f"[{t:%a %b %e %H:%M:%S.%f %Y}] [core:error] {word}",
    "windows": lambda t, word: f"{t:%m/%d/%Y} {t.hour % 12 or 12}:{t:%M:%S %p} {word}",
    "trace": lambda t, word: f"\tat {word}",
    "day": lambda t, word: f"{t:%H:%M:%S.%f} [main] {word}",
}


@given(
    st.lists(st.sampled_from(sorted(WRITERS)), min_size=1, max_size=3),
    st.lists(
        st.tuples(
            st.integers(0, 2),
            moments,
            st.sampled_from(["up", "ERROR", "EST. 5", "+0200", "Z", "é", ": 5", "PM", "", "\x1b[31mred"]),
        ),
        max_size=60,
    ),
    st.integers(1, 40),
)
def test_many_lines_at_once_are_read_as_one_by_one(
    kinds: list[str], drawn: list[tuple[int, datetime, str]], chunk: int
) -> None:
    lines = [WRITERS[kinds[which % len(kinds)]](moment, word).encode() for which, moment, word in drawn]
    singly, at_once = Clock(), Clock()
    expected = [singly.read(decode(line)[0]) or (NO_TIME, 0) for line in lines]
    read: list[tuple[int, int]] = []
    for start in range(0, len(lines), chunk):
        times, stamps = at_once.read_all(lines[start : start + chunk])
        read += zip(times.tolist(), stamps.tolist(), strict=True)
    assert read == expected
