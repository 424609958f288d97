"""Lines as text and JSON, moments as people write them, colours and names that stay."""

from __future__ import annotations

import json

import pytest

from calmtui.errors import UsageError
from calmtui.logs.colours import Colours
from calmtui.logs.ingest import Reader
from calmtui.logs.line import SECOND, Origin
from calmtui.logs.output import as_json, as_text
from calmtui.logs.since import since

NOW = 1_795_228_154.0  # 2026-11-21T02:29:14Z
READER = Reader(Origin("lab", "ssh:lab/web-001", "web-001", "/var/log/app.log"))


def test_json_has_the_whole_text_and_the_time_to_the_nanosecond() -> None:
    (line,) = READER.lines([(None, b"2026-11-21T02:29:14.103Z INFO \xf0\x9f\x98\x80 \x1b[31mup\x1b[0m")], 0)
    assert json.loads(as_json(line)) == {
        "ts": "2026-11-21T02:29:14.103000000Z", "source": "lab", "node": "ssh:lab/web-001", "name": "web-001",
        "stream": "/var/log/app.log", "text": "2026-11-21T02:29:14.103Z INFO 😀 up",
    }  # fmt: skip


def test_json_of_a_line_that_nothing_dates_has_no_time() -> None:
    (line,) = Reader(READER.origin).lines([(None, b"up")], int(NOW) * SECOND)
    assert json.loads(as_json(line))["ts"] is None


def test_text_has_one_time_in_one_form() -> None:
    (line,) = READER.lines([(None, b"2026-11-21 03:29:14,103 +0100 up")], 0)
    assert as_text(line, "web-001") == "2026-11-21T02:29:14.103Z web-001 up"


@pytest.mark.parametrize(
    ("text", "ago"),
    [("10m", 600), ("2h", 7200), ("3d", 259_200), ("1h30m", 5400), ("1.5h", 5400), ("90s", 90),
     ("2026-11-21T02:28:14", 60), ("2026-11-21T03:28:14+01:00", 60), ("2026-11-21", 2 * 3600 + 29 * 60 + 14)],
)  # fmt: skip
def test_a_moment_is_a_duration_ago_or_an_iso_time(text: str, ago: float) -> None:
    assert since(text, NOW) == NOW - ago


@pytest.mark.parametrize("text", ["", "yesterday", "10", "10 m", "m", "2026-11-22", "-5m", "5M"])
def test_what_is_no_moment_or_still_to_come_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        since(text, NOW)


def test_nodes_have_colours_of_their_own_as_long_as_there_are_enough() -> None:
    colours = Colours(8)
    first = [colours.index(f"ssh:lab/web-{number}") for number in range(8)]
    assert sorted(first) == list(range(8))
    assert [colours.index(f"ssh:lab/web-{number}") for number in range(8)] == first
    assert colours.index("one more") in range(8)
