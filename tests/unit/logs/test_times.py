"""Times at the beginning of lines, in the formats that real systems write."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.line import SECOND, rfc3339
from calmtui.logs.times import LOST_PATIENCE, SAMPLE, Clock, iso

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
    assert iso(rfc3339(at)) == (at, 30)
    zone = f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
    stamp = iso(moment.replace(microsecond=0).isoformat() + zone)
    assert stamp is not None
    assert stamp[0] == (at // SECOND - hours * 3600) * SECOND


def test_a_stream_is_held_to_the_format_that_it_began_with() -> None:
    clock = Clock()
    for _ in range(SAMPLE):
        assert clock.read("2026-11-21T02:29:14Z up")
    assert clock.read("1795228154 bytes read") is None


def test_a_stream_that_changes_its_format_for_good_is_followed() -> None:
    clock = Clock()
    for _ in range(SAMPLE):
        clock.read("2026-11-21T02:29:14Z up")
    for _ in range(LOST_PATIENCE + 1):
        clock.read("1795228154.103 up")
    assert clock.read("1795228154.103 up") == (AT, 15)
