"""How a log line is drawn: exactly as wide as it is told to, and nothing that a terminal would obey."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.block import Origins
from calmtui.logs.filters import Pattern
from calmtui.logs.ingest import Reader
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, LogLine, Origin
from calmtui.logs.sgr import decode
from calmtui.tui.glyphs import ASCII
from calmtui.tui.widgets.log_row import Look, draw, shorten

ORIGIN = Origin("lab", "ssh:lab/web-1", "web-1")
TEXTS = st.lists(
    st.sampled_from([b"text ", b"\t", "東京".encode(), "e\u0301".encode(), b"\x1b[31m", b"\x1b[0m", b"\x1b[2J"])
    | st.binary(max_size=5),
    max_size=20,
).map(b"".join)  # fmt: skip


def line(text: str, level: Level = Level.NONE, *, late: bool = False) -> LogLine:
    return LogLine(SECOND, SECOND, ORIGIN, 1, text, level, late=late)


@given(TEXTS, st.integers(20, 120), st.booleans(), st.integers(0, 30))
def test_every_row_is_as_wide_as_told_and_holds_no_control_character(
    raw: bytes, width: int, wrap: bool, left: int
) -> None:
    text, spans = decode(raw)
    drawn = LogLine(SECOND, SECOND, ORIGIN, 1, text, spans=spans)
    look = Look(width, 8, wrap=wrap, left=0 if wrap else left, search=Pattern("time"))
    rows = draw(drawn, "web-1", 0, look)
    for row in rows:
        assert row.cell_length == width
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", row.text)
    assert wrap or len(rows) == 1


@given(st.text(alphabet="ab 東é", max_size=200), st.integers(30, 60))
def test_wrapped_rows_together_hold_the_whole_text(text: str, width: int) -> None:
    look = Look(width, 0, wrap=True, times=False)
    rows = draw(line(text), "", 0, look)
    assert "".join(row.text[3:] for row in rows).replace(" ", "") == text.replace(" ", "")


def test_trouble_has_a_sign_whatever_the_colours() -> None:
    look = Look(40, 0, times=False)
    assert draw(line("x", Level.ERROR), "", 0, look)[0].text.strip() == "✖ x"
    assert draw(line("x", Level.WARN), "", 0, look)[0].text.strip() == "▲ x"
    assert draw(line("x", late=True), "", 0, look)[0].text.strip() == "↥ x"
    assert draw(line("x", Level.ERROR), "", 0, Look(40, 0, times=False, signs=ASCII))[0].text.strip() == "X x"


def test_what_a_note_says_is_never_cut_off() -> None:
    (note,) = Reader(ORIGIN, Origins()).note(
        "no answer in 10 s; check the host and the way to it", SECOND, trouble=True
    )
    rows = draw(note, "web-1", 0, Look(40, 5, times=False))
    assert "no answer in 10 s; check the host and the way to it" in "".join(row.text[9:] for row in rows)


def test_a_long_name_loses_its_middle() -> None:
    assert shorten("web-7d9f8c6b54-x2x8q", 12, "…") == "web-…4-x2x8q"
    assert shorten("web-1", 12, "…") == "web-1"


def test_values_in_columns_are_safe_whatever_json_spells() -> None:
    row = draw(line(r'{"a": "x\u001b]0;owned\u0007"}'), "", 0, Look(60, 0, times=False, columns=("a", "b")))[0]
    assert row.text.startswith("   x␛]0;owned␇  ·            {")
