"""Lines as text and JSON, colours and names that stay."""

from __future__ import annotations

import json

from calmtui.logs.block import Origins
from calmtui.logs.colours import Colours
from calmtui.logs.ingest import Reader
from calmtui.logs.line import SECOND, Origin
from calmtui.logs.output import as_json, as_text

NOW = 1_795_228_154.0  # 2026-11-21T02:29:14Z
READER = Reader(Origin("lab", "ssh:lab/web-001", "web-001", "/var/log/app.log"), Origins())


def test_json_has_the_whole_text_and_the_time_to_the_nanosecond() -> None:
    (line,) = READER.lines([(None, b"2026-11-21T02:29:14.103Z INFO \xf0\x9f\x98\x80 \x1b[31mup\x1b[0m")], 0)
    assert json.loads(as_json(line)) == {
        "ts": "2026-11-21T02:29:14.103000000Z", "source": "lab", "node": "ssh:lab/web-001", "name": "web-001",
        "stream": "/var/log/app.log", "text": "2026-11-21T02:29:14.103Z INFO 😀 up",
    }  # fmt: skip


def test_json_of_a_line_that_nothing_dates_has_no_time() -> None:
    (line,) = Reader(READER.origin, Origins()).lines([(None, b"up")], int(NOW) * SECOND)
    assert json.loads(as_json(line))["ts"] is None


def test_text_has_one_time_in_one_form() -> None:
    (line,) = READER.lines([(None, b"2026-11-21 03:29:14,103 +0100 up")], 0)
    assert as_text(line, "web-001") == "2026-11-21T02:29:14.103Z web-001 up"


def test_nodes_have_colours_of_their_own_as_long_as_there_are_enough() -> None:
    colours = Colours(8)
    first = [colours.index(f"ssh:lab/web-{number}") for number in range(8)]
    assert sorted(first) == list(range(8))
    assert [colours.index(f"ssh:lab/web-{number}") for number in range(8)] == first
    assert colours.index("one more") in range(8)
