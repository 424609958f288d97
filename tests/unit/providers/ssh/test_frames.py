"""The frames of the log reader: whole lines out of any pieces, and a place from which nothing is lost or doubled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.base import LogChunk
from calmtui.providers.ssh.frames import Frames, Place

NONCE = "n0nce"


def control(text: str) -> bytes:
    return f"\x1e{NONCE} {text}\n".encode()


def data(kind: str, file: str, offset: int, payload: bytes) -> bytes:
    return control(f"{kind} 1 {file} {offset} {len(payload)}") + payload


def read(stream: bytes, place: Place, tail: int | None = None, piece: int = 0) -> list[LogChunk]:
    frames = Frames(NONCE, [place], tail)
    size = piece or len(stream) or 1
    return [chunk for start in range(0, len(stream), size) for chunk in frames.feed(stream[start : start + size])]


def lines(chunks: list[LogChunk]) -> list[bytes]:
    return [line for chunk in chunks for _, line in chunk.lines]


def notes(chunks: list[LogChunk]) -> list[str]:
    return [chunk.note for chunk in chunks if chunk.note]


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=12), st.integers(1, 40))
def test_lines_come_whole_however_the_bytes_are_cut(texts: list[bytes], piece: int) -> None:
    body = b"".join(text + b"\n" for text in texts)
    place = Place("/log")
    stream = data("B", "1:2", 0, body[:17]) + data("D", "1:2", 17, body[17:])
    assert lines(read(stream, place, piece=piece)) == texts
    assert (place.offset, place.rest) == (len(body), b"")


@given(st.binary(min_size=1, max_size=120), st.integers(0, 120))
def test_a_reading_that_breaks_off_anywhere_goes_on_without_loss_or_doubling(body: bytes, broken_at: int) -> None:
    place = Place("/log")
    stream = data("B", "1:2", 0, b"") + data("D", "1:2", 0, body)
    header = len(stream) - len(body)
    first = lines(read(stream[: header + min(broken_at, len(body))], place))
    frames = Frames(NONCE, [place], None)
    assert place.arguments[:2] == ("/log", "1:2")
    rest = body[int(place.arguments[2]) :]
    second = [line for chunk in frames.feed(data("D", "1:2", place.offset, rest)) for _, line in chunk.lines]
    assert first + second == body.split(b"\n")[:-1]


def test_a_beginning_in_the_middle_of_a_file_drops_the_part_of_a_line_and_keeps_the_last_ones() -> None:
    place = Place("/log")
    chunks = read(data("B", "1:2", 90, b"x\none\ntwo\nthree\nhal"), place, tail=2)
    assert lines(chunks) == [b"two", b"three"]
    assert (place.offset, place.rest) == (109, b"hal")


def test_rotation_is_said_and_the_last_line_of_the_old_file_is_not_lost() -> None:
    place = Place("/log", "1:2", 10)
    chunks = read(data("D", "1:2", 10, b"end\nno newline") + control("R 1 1:3") + data("D", "1:3", 0, b"new\n"), place)
    assert lines(chunks) == [b"end", b"no newline", b"new"]
    assert notes(chunks) == ["rotated: the new file is read from its beginning"]
    assert (place.id, place.offset) == ("1:3", 4)


def test_a_late_writer_to_the_old_file_moves_no_place() -> None:
    place = Place("/log", "1:3", 4)
    assert lines(read(data("D", "1:2", 100, b"late\n"), place)) == [b"late"]
    assert (place.id, place.offset) == ("1:3", 4)


def test_a_cut_a_gap_and_a_missing_file_are_said() -> None:
    place = Place("/log", "1:2", 10)
    said = notes(read(control("T 1 1:2") + control("L 1 1:2 10") + control("N 1"), place))
    assert [note.split(":")[0].split(";")[0] for note in said] == [
        "the file was cut",
        "gap",
        "there is no such file, or it may not be read",
    ]


def test_the_zeros_that_fill_up_a_file_which_shrank_are_no_text() -> None:
    place = Place("/log", "1:2", 0)
    assert lines(read(data("D", "1:2", 0, b"a\n\0\0\0") + control("T 1 1:2"), place)) == [b"a"]


def test_log_text_cannot_pass_for_a_frame() -> None:
    place = Place("/log", "1:2", 0)
    forged = control("T 1 9:9") + b"text\n"
    assert lines(read(data("D", "1:2", 0, forged), place)) == forged.split(b"\n")[:-1]
    assert place.id == "1:2"


@pytest.mark.parametrize("stream", [b"motd\n", b"x" * 5000, b"\x1eother N 1\n"])
def test_what_no_reader_would_send_is_an_error(stream: bytes) -> None:
    with pytest.raises(ValueError, match="frame"):
        read(stream, Place("/log"))
