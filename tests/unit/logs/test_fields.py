"""Fields are read out of what lines hold, and no line is beyond reading."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.formats.events import Events
from calmtui.logs.formats.fields import MAX_DEPTH, MAX_FIELDS, fields, parse
from calmtui.logs.formats.gravity import Levels
from calmtui.logs.patterns.normalise import fingerprint, normalised
from calmtui.logs.times import Clock

SAMPLES = [line for path in (Path(__file__).parent / "samples").glob("*.log") for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"a":{"b":{"c":1}},"list":[1,"x"],"yes":true,"none":null}',
         {"a.b.c": 1, "list": '[1,"x"]', "yes": "true"}),
        ('level=info user="ana \\"a\\" b" took=1.5 id=007',
         {"level": "info", "user": 'ana "a" b', "took": 1.5, "id": "007"}),
        ("2026-11-21T02:29:14Z INFO c.s.Web order=71 (took=12ms, user='a b')",
         {"level": "INFO", "order": 71, "took": "12ms", "user": "a b"}),
        ('2026-11-21T02:29:14Z WARN slow {"path":"/pay","status":503}',
         {"level": "WARN", "path": "/pay", "status": 503}),
        ('{"cut":"in the mid', {}),
        ("no fields at all", {}),
        ("a == b and c != d", {}),
    ],
)  # fmt: skip
def test_fields_are_read_with_their_types(line: str, expected: dict[str, str | int | float]) -> None:
    assert fields(line) == expected


def test_a_line_of_very_many_fields_gives_some_of_them() -> None:
    assert len(fields(msgspec.json.encode({f"k{number}": number for number in range(1000)}).decode())) == MAX_FIELDS
    assert len(fields(" ".join(f"k{number}={number}" for number in range(1000)))) == MAX_FIELDS


def test_json_nested_very_deeply_is_left_as_it_is_written() -> None:
    depth = 3 * MAX_DEPTH
    (name,) = fields('{"a":' * depth + "1" + "}" * depth)
    assert name.count(".") == MAX_DEPTH
    assert fields('{"a":' * 100_000) == {}


@given(st.lists(st.sampled_from(SAMPLES) | st.text(max_size=60), max_size=20), st.integers(0, 200), st.text(max_size=9))
def test_a_line_that_is_broken_anywhere_is_read_all_the_same(drawn: list[str], at: int, put: str) -> None:
    broken = [(text[:at] + put + text[at + len(put) :]).replace("\n", " ") for text in drawn]
    lines = [text.encode("utf-8", "replace") for text in broken]
    times, stamps = Clock().read_all(lines)
    assert len(times) == len(Levels().read_all(lines, stamps)) == len(Events().read_all(lines, None)) == len(lines)
    for text in broken:
        begin, end = parse(text).message
        assert 0 <= begin <= end <= len(text)
        assert isinstance(normalised(text), str)
        assert isinstance(fingerprint(text), bytes)
