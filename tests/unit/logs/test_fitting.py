"""Layouts that are not tried on a line are ones that it has not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.formats.fitting import LAYOUTS, fitting, without_lookaround

SAMPLES = [
    line
    for path in sorted((Path(__file__).parent / "samples").glob("*.log"))
    for line in path.read_text(errors="replace").splitlines()
]


@given(st.sampled_from(SAMPLES), st.integers(0, 300), st.sampled_from(["", " ", "-", "9", "é", "\x1c", "[x]", "INFO "]))
def test_no_layout_is_left_out_that_a_line_has(line: str, at: int, put_in: str) -> None:
    for text in (line, line[:at] + put_in + line[at:], line[:at] + line[at + 1 :]):
        tried = fitting(text)
        assert [layout for layout in LAYOUTS if layout.fits(text) and layout not in tried] == []


def test_few_layouts_are_tried() -> None:
    assert sum(len(fitting(line)) for line in SAMPLES if line.isascii()) < 2 * len(SAMPLES)


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        (r"a(?=[\s\])])b", "ab"),
        (r"(?!x(y)\))(z)", "(z)"),
        (r"(?<![^ (])[(?=]\(?=", r"[(?=]\(?="),
        (r"[]a](?<=b)(?:(?=c)d)", "[]a](?:d)"),
    ],
)
def test_what_looks_around_is_left_out_of_an_expression(expression: str, kept: str) -> None:
    assert without_lookaround(expression) == kept
    re.compile(kept)
