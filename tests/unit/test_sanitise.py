"""No control byte survives, nothing is lost, harmless text is left alone."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from calmtui import sanitise

TEXT = st.text() | st.text(alphabet=st.sampled_from("\x1b[]\x07\r\n\t\x00\x7f\x80\x9b\x9d\u202e\u2028\ud800ab;31m"))


@given(TEXT)
def test_no_control_character_survives_in_a_word(text: str) -> None:
    safe = sanitise.word(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in safe)
    assert len(safe) == len(text)
    safe.encode()


@given(TEXT)
def test_a_line_keeps_its_tabs_and_nothing_else(text: str) -> None:
    safe = sanitise.line(text)
    assert safe.count("\t") == text.count("\t")
    assert safe.replace("\t", "␉") == sanitise.word(text)


@given(TEXT)
def test_safe_text_is_left_as_it_is(text: str) -> None:
    safe = sanitise.word(text)
    assert sanitise.word(safe) == safe


def test_an_escape_sequence_stays_readable() -> None:
    assert sanitise.word("\x1b]0;owned\x07") == "␛]0;owned␇"
    assert sanitise.word("a\rb") == "a␍b"


def test_text_that_reads_backwards_is_shown_as_it_is() -> None:
    assert "\u202e" not in sanitise.word("invoice\u202efdp.exe")
    assert sanitise.word("naïve 東京 ✖") == "naïve 東京 ✖"


def test_text_without_a_shape_is_shown() -> None:
    smuggled = "ok" + "".join(chr(0xE0000 + ord(character)) for character in "run this")
    assert sanitise.word(smuggled) == "ok" + 8 * "\N{REPLACEMENT CHARACTER}"


def test_deep_reaches_keys_and_lists_and_keeps_line_ends() -> None:
    assert sanitise.deep({"k\x1b": ["a\nb\x07", 1, None, ("\x9b",)]}) == {
        "k␛": ["a\nb␇", 1, None, ["\N{REPLACEMENT CHARACTER}"]]
    }
