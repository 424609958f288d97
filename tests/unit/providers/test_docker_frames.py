"""Log bytes to lines: whatever the pieces they come in, nothing is lost, doubled or mixed up."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.errors import Unreachable
from calmtui.providers.docker.frames import LONGEST_LINE, FramedLog, Frames, TerminalLog, split_time

PAYLOADS = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=12)
TEXT = st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"\x1b[31m"))


def framed(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(payload)) + payload


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({place % (len(data) + 1) for place in places})
    return [data[begin:end] for begin, end in zip([0, *at], [*at, len(data)], strict=True)]


def stamp(nanoseconds: int) -> bytes:
    second = datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{second}.{nanoseconds % 10**9:09d}Z ".encode()


@given(PAYLOADS, st.lists(st.integers(0, 600)))
def test_frames_come_out_whole_whatever_pieces_they_come_in(
    payloads: list[tuple[int, bytes]], places: list[int]
) -> None:
    frames = Frames()
    pieces = cut(b"".join(framed(*payload) for payload in payloads), places)
    assert [frame for piece in pieces for frame in frames.feed(piece)] == payloads


@given(st.integers(0, 4 * 10**18))
def test_a_time_keeps_its_nanoseconds(at: int) -> None:
    assert split_time(stamp(at) + b"text") == (at, b"text")


def test_a_time_with_an_offset_or_without_a_fraction_is_understood() -> None:
    expected = int(datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC).timestamp()) * 10**9
    assert split_time(b"2026-01-02T03:04:05+02:00 x") == (expected, b"x")
    assert split_time(b"no time at all") == (None, b"no time at all")


@given(st.lists(st.tuples(st.sampled_from([1, 2]), TEXT), max_size=10), st.lists(st.integers(0, 1500)))
def test_lines_keep_their_order_bytes_and_times(written: list[tuple[int, bytes]], places: list[int]) -> None:
    log = FramedLog()
    data = b"".join(framed(stream, stamp(number) + text + b"\n") for number, (stream, text) in enumerate(written))
    lines = [line for piece in cut(data, places) for line in log.feed(piece)]
    assert lines == [(number, text) for number, (_, text) in enumerate(written)]
    assert log.end() == []


def test_a_long_line_that_the_engine_cut_is_one_line_with_the_time_of_its_beginning() -> None:
    log = FramedLog()
    assert log.feed(framed(1, stamp(1) + b"a" * 16384)) == []
    assert log.feed(framed(2, stamp(2) + b"from stderr meanwhile\n")) == [(2, b"from stderr meanwhile")]
    assert log.feed(framed(1, stamp(3) + b"b\n")) == [(1, b"a" * 16384 + b"b")]


def test_what_the_engine_says_of_its_own_failure_is_no_line() -> None:
    log = FramedLog()
    with pytest.raises(Unreachable, match="no such file"):
        log.feed(framed(1, stamp(1) + b"line\n") + framed(3, b"Error grabbing logs: no such file or directory\n"))


def test_a_line_without_an_end_is_given_out_when_the_log_ends() -> None:
    log = FramedLog()
    assert log.feed(framed(1, stamp(5) + b"prompt> ")) == []
    assert log.end() == [(5, b"prompt> ")]


def test_a_line_that_never_ends_does_not_fill_the_memory() -> None:
    log = FramedLog()
    part = b"x" * 16384
    lines = [line for _ in range(2 * LONGEST_LINE // len(part)) for line in log.feed(framed(1, stamp(7) + part))]
    assert [len(text) for _, text in lines] == [LONGEST_LINE, LONGEST_LINE]


@given(st.lists(TEXT.filter(lambda text: not text.endswith(b"\r")), max_size=10), st.lists(st.integers(0, 1500)))
def test_a_terminals_lines_lose_their_carriage_return_only(written: list[bytes], places: list[int]) -> None:
    log = TerminalLog()
    data = b"".join(stamp(number) + text + b"\r\n" for number, text in enumerate(written))
    assert [line for piece in cut(data, places) for line in log.feed(piece)] == list(enumerate(written))
