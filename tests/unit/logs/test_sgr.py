"""From bytes to safe text and colours: nothing raw survives, nothing is lost in silence."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from calmtui.logs.sgr import MAX_SPANS, decode

HOSTILE = st.lists(
    st.sampled_from(
        [b"\x1b[31m", b"\x1b[0m", b"\x1b[38;5;208m", b"\x1b[38;2;1;2;3m", b"\x1b[1;4;9m", b"\x1b[2J", b"\x1b]0;x\x07",
         b"\x1b]52;c;aGk=\x1b\\", b"\x9b31m", b"\xc2\x9b31m", b"\r", b"\t", b"\x00", b"\x7f", b"\xff\xfe",
         b"caf\xc3\xa9",
         b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\x1b[8m", b"\x1b[;;;m", b"\x1b[38m", b"\x1b[38;5m", b"text"]
    )
    | st.binary(max_size=6)
).map(b"".join)  # fmt: skip


@given(HOSTILE)
def test_no_control_character_survives(raw: bytes) -> None:
    text, _ = decode(raw)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text.replace("\t", ""))
    assert not set(text) & set(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
    text.encode()


@given(HOSTILE)
def test_spans_lie_in_order_within_the_text_and_are_styles(raw: bytes) -> None:
    text, spans = decode(raw)
    end = 0
    for begin, stop, style in spans:
        assert end <= begin < stop <= len(text)
        assert Style.parse(style)
        end = stop


def test_colours_become_spans_and_leave_the_text() -> None:
    assert decode(b"\x1b[1;31mERROR\x1b[0m done") == ("ERROR done", ((0, 5, "bold red"),))
    assert decode(b"\x1b[38;5;208ma\x1b[39mb")[1] == ((0, 1, "color(208)"),)
    assert decode(b"\x1b[38:2:1:2:3ma")[1] == ((0, 1, "#010203"),)


def test_a_line_can_neither_hide_text_nor_blink() -> None:
    assert decode(b"\x1b[8;5;40msecret") == ("secret", ())


def test_whatever_is_no_colour_stays_readable() -> None:
    assert decode(b"\x1b]0;owned\x07\x1b[2J") == ("␛]0;owned␇␛[2J", ())


def test_bytes_that_are_no_text_are_replaced_not_dropped() -> None:
    assert decode(b"a\xffb\x00") == ("a\N{REPLACEMENT CHARACTER}b␀", ())


def test_the_other_half_of_a_line_end_goes_and_only_there() -> None:
    assert decode(b"one\r") == ("one", ())
    assert decode(b"50%\r100%") == ("50%␍100%", ())


def test_a_thousand_colours_leave_all_the_text_and_a_bounded_number_of_spans() -> None:
    text, spans = decode(b"".join(b"\x1b[3%dmx" % (number % 8) for number in range(1000)))
    assert text == "x" * 1000
    assert len(spans) == MAX_SPANS
