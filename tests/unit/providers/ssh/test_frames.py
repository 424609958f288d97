"""The frames of the log reader: whole lines out of any pieces, and a place from which nothing is lost or doubled."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.base import LogChunk
from calmtui.providers.ssh.frames import Frames, Torn
from calmtui.providers.ssh.places import COMPARED, Place, Text

NONCE = "n0nce"


def control(text: str) -> bytes:
    return f"\x1e{NONCE} {text}\n".encode()


SUM = 2574915597
"""What cksum says of `one two t`, a line each."""


def data(kind: str, file: str, offset: int, payload: bytes, before: bytes = b"") -> bytes:
    return control(f"{kind} 1 {file} {offset} {len(payload)} {len(before)} 1763690000 0") + before + payload


def named(kind: str, name: bytes, word: str) -> bytes:
    return control(f"{kind} 1 {len(name)} {word}") + name


def read(stream: bytes, place: Place, tail: int | None = None, piece: int = 0) -> list[LogChunk]:
    frames = Frames(NONCE, [place], tail, begun=place.text.id != "-")
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
    stream = control("R 1 1:2 0") + data("B", "1:2", 0, body[:17]) + data("D", "1:2", len(body[:17]), body[17:])
    assert lines(read(stream, place, piece=piece)) == texts
    assert (place.text.offset, place.text.rest) == (len(body), b"")


@given(st.binary(min_size=1, max_size=120), st.integers(0, 120))
def test_a_reading_that_breaks_off_anywhere_goes_on_without_loss_or_doubling(body: bytes, broken_at: int) -> None:
    place = Place("/log")
    stream = control("R 1 1:2") + data("D", "1:2", 0, body)
    header = len(stream) - len(body)
    first = lines(read(stream[: header + min(broken_at, len(body))], place))
    again = Place.at("/log", place.position)
    assert again.position == place.position
    rest = data("D", "1:2", again.text.offset, body[again.text.offset :])
    assert first + lines(read(rest, again)) == body.split(b"\n")[:-1]


def test_every_chunk_says_where_to_go_on_after_it() -> None:
    stream = control("R 1 1:2") + control(f"P 1 1:2 9:{SUM}") + data("D", "1:2", 0, b"one\ntwo\nth")
    assert read(stream, Place("/log"))[-1].position == f"1:2 8 9:{SUM} 1763690000"


@pytest.mark.parametrize("piece", [0, 1])
@pytest.mark.parametrize("print_", [f"9:{SUM}", "9:" + hashlib.md5(b"one\ntwo\nt".hex().encode()).hexdigest()])
def test_a_beginning_that_is_of_another_text_than_its_print_is_never_taken_in(print_: str, piece: int) -> None:
    place = Place("/log")
    begun = control("R 1 1:2") + control(f"P 1 1:2 {print_}")
    with pytest.raises(Torn):
        read(begun + data("D", "1:2", 0, b"six\nten\nelf\n"), place, piece=piece)
    assert place.text.offset == 0


@pytest.mark.parametrize("position", ["-", "=", "1:2 8 9:77 100", "1:3 0 9:77 100 late 1:2 50 9:76 99"])
def test_a_position_comes_back_as_it_was(position: str) -> None:
    assert Place.at("/log", position).position == position


def test_a_beginning_in_the_middle_of_a_file_drops_the_part_of_a_line_and_keeps_the_last_ones() -> None:
    place = Place("/log")
    body = b"x\none\ntwo\nthree\nhal"
    chunks = read(control("R 1 1:2 90") + data("B", "1:2", 90, body, before=b"b" * 64), place, tail=2)
    assert lines(chunks) == [b"two", b"three"]
    assert (place.text.offset, place.text.rest) == (109, b"hal")


def test_rotation_is_said_and_the_last_line_of_the_old_file_comes_when_nobody_can_add_to_it() -> None:
    place = Place("/log", Text("1:2", 10))
    stream = data("D", "1:2", 10, b"end\nno new") + control("R 1 1:3") + data("D", "1:2", 20, b"line", b"no new")
    chunks = read(stream + data("D", "1:3", 0, b"new\n") + control("O 1"), place)
    assert lines(chunks) == [b"end", b"new", b"no newline"]
    assert notes(chunks) == ["rotated: the new file is read from its beginning"]
    assert place.position.startswith("1:3 4 ")


def test_a_late_writer_to_the_old_file_is_heard_and_its_place_is_kept() -> None:
    place = Place.at("/log", "1:3 4 9:77 0 late 1:2 100 9:76 0")
    assert lines(read(data("D", "1:2", 100, b"late\n"), place)) == [b"late"]
    assert place.position == "1:3 4 9:77 0 late 1:2 105 9:76 1763690000"


@pytest.mark.parametrize(
    ("stream", "note", "gap"),
    [
        (control("T 1 1:2 0"), "gap: the file was cut", True),
        (control("T 1 1:2 1"), "rotated by copying", False),
        (control("T 1 1:2 2"), "gap: the file was copied and cut", True),
        (control("L 1 1:2 10"), "gap: the file read before is gone", True),
        (named("U", b"/log.1.zst", "zstd"), "gap: /log.1.zst cannot be read: the host has no zstd", True),
        (control("N 1 missing"), "there is no such file", False),
        (control("N 1 special"), "neither a file", False),
    ],
)
def test_what_became_of_a_file_is_said(stream: bytes, note: str, gap: bool) -> None:
    (chunk,) = read(stream, Place("/log", Text("1:2", 10)))
    assert chunk.note.startswith(note)
    assert chunk.gap is gap


def test_a_piece_that_does_not_follow_on_what_was_read_is_never_taken_in() -> None:
    place = Place("/log")
    begun = control("R 1 1:2") + data("D", "1:2", 0, b"one\ntwo\n")
    with pytest.raises(Torn):
        read(begun + data("D", "1:2", 8, b"more\n", before=b"1\nanothr"), place)
    assert place.text.offset == 8


def test_the_zeros_that_fill_up_a_file_which_shrank_are_read_again_when_it_goes_on() -> None:
    place = Place("/log", Text("1:2", 0))
    frames = Frames(NONCE, [place], None, begun=True)
    assert lines(list(frames.feed(data("D", "1:2", 0, b"a\n\0\0\0")))) == [b"a"]
    with pytest.raises(Torn):
        list(frames.feed(data("D", "1:2", 5, b"more\n", before=b"a\nbc\n")))
    Frames(NONCE, [place], None, begun=True)
    assert place.text.offset == 2


def test_files_found_later_join_and_say_so() -> None:
    places = [Place("/log", Text("1:2", 4))]
    frames = Frames(NONCE, places, 5, begun=True)
    joined = list(frames.feed(named("F", b"/n\xffw\nname", "-") + named("F", b"/old", "=")))
    assert [place.path.encode(errors="surrogateescape") for place in places] == [b"/log", b"/n\xffw\nname", b"/old"]
    assert [chunk.note for chunk in joined] == ["a new file: read from its beginning"]
    assert places[2].position == "="


def test_the_last_lines_since_a_time_are_taken_from_all_the_files_together() -> None:
    place = Place("/log")
    frames = Frames(NONCE, [place], 2, begun=False, hold=True)
    history = control("R 1 1:2") + data("D", "1:2", 0, b"a\nb\nc\n") + control("R 1 1:3") + data("D", "1:3", 0, b"d\n")
    assert lines(list(frames.feed(history + control("S 0")))) == [b"c", b"d"]
    assert lines(list(frames.feed(data("D", "1:3", 2, b"e\n", before=b"d\n")))) == [b"e"]


def test_a_line_of_megabytes_comes_in_parts_that_are_said_to_be_parts() -> None:
    body = b"x" * (3 << 20) + b"\n"
    chunks = read(control("R 1 1:2") + data("D", "1:2", 0, body), Place("/log"), piece=COMPARED * 1000)
    assert b"".join(lines(chunks)) == body[:-1]
    assert any("in parts" in note for note in notes(chunks))


def test_log_text_cannot_pass_for_a_frame() -> None:
    place = Place("/log", Text("1:2", 0))
    forged = control("T 1 9:9 0") + b"text\n"
    assert lines(read(data("D", "1:2", 0, forged), place)) == forged.split(b"\n")[:-1]
    assert place.text.id == "1:2"


@pytest.mark.parametrize(
    "stream", [b"motd\n", b"x" * 5000, b"\x1eother N 1\n", control("X 1"), data("D", "9:9", 0, b"x")]
)
def test_what_no_reader_would_send_is_an_error(stream: bytes) -> None:
    with pytest.raises(ValueError, match=r"frame|file"):
        read(stream, Place("/log"))
