"""The parts of a search on a host, each by itself: files, records, stretches of time, context."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calmtui.providers.base import Counted, FoundLine, SearchRequest
from calmtui.providers.ssh.file_search import FileSearch, Left, beside
from calmtui.providers.ssh.records import Record, Records, counted, found
from calmtui.providers.ssh.rotation import Listed, chosen, rotated
from calmtui.providers.ssh.slices import BLOCK, Slice, sliced


def file(index: int, path: str, *, parent: int = 0, identity: str = "", size: int = 1, modified: int = 0) -> Listed:
    return Listed(index, parent, True, identity or str(index), size, modified, path)


@pytest.mark.parametrize(
    "sibling",
    ["app.log.1", "app.log.12.gz", "app.log-20261121", "app.log-20261121.xz", "app.log.2026-11-21T02:00", "app.log.old",
     "app.log.zst", "app-20261121.log", "app.1.log.bz2", "app.2026-11-21.log"],
)  # fmt: skip
def test_a_name_that_rotation_makes_is_known(sibling: str) -> None:
    assert rotated("/var/log/app.log", f"/var/log/{sibling}")


@pytest.mark.parametrize("other", ["app.log.bak-dump", "app.login", "app-error.log", "app.log.1.sh", "app2.log"])
def test_a_name_that_is_a_log_of_its_own_is_none(other: str) -> None:
    assert not rotated("/var/log/app.log", f"/var/log/{other}")


def test_files_are_searched_once_each_the_oldest_first_and_none_that_ended_before() -> None:
    files = [
        file(1, "/l/a.log", modified=300),
        file(2, "/l/a.log.1", parent=1, modified=200),
        file(3, "/l/a.log.2.gz", parent=1, modified=100),
        file(4, "/l/a.log.1.sh", parent=1, modified=250),
        file(5, "/l/a.log.1", identity="2", modified=200),
        file(6, "/l/empty.log", size=0, modified=300),
    ]
    assert [each.index for each in chosen(files, None)] == [3, 2, 1]
    assert [each.index for each in chosen(files, 150.0)] == [2, 1]


@given(
    st.lists(st.tuples(st.sampled_from("FGP"), st.binary(max_size=40)), max_size=6),
    st.lists(st.integers(1, 9), max_size=60),
    st.binary(max_size=20),
)
def test_records_come_out_as_they_went_in_however_they_are_cut(
    records: list[tuple[str, bytes]], cuts: list[int], chatter: bytes
) -> None:
    wanted = [Record(kind, ("7",), payload) for kind, payload in records] + [Record("E", ("0",), b"")]
    data = chatter + b"".join(
        b"\n\x1enonce " + f"{record.kind} 7".encode() + b"\n" + record.payload for record in wanted[:-1]
    )
    data += b"\n\x1enonce E 0\n"
    reader, came = Records("nonce"), []
    for cut in [*cuts, len(data)]:
        came += list(reader.feed(data[:cut]))
        data = data[cut:]
    assert came == wanted


def test_a_last_line_that_was_cut_is_left_out() -> None:
    lines, whole = found(b"0:one\n4-two:3-4\n--\n90:x\n92:cu")
    assert [(line.place, line.chosen, line.text) for line in lines] == [
        (0, True, b"one"),
        (4, False, b"two:3-4"),
        (90, True, b"x"),
    ]
    assert not whole
    assert list(counted(b"3 17:a:b\n1 900:\n")) == [(3, 17, b"a:b"), (1, 900, b"")]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 300), st.booleans()), min_size=1, max_size=100),
    st.integers(1, 30),
    st.integers(0, 4000),
    st.integers(0, 4000),
    st.integers(0, 3),
    st.booleans(),
)
async def test_a_stretch_of_time_is_cut_out_to_the_line(
    steps: list[tuple[int, int, bool]], times: int, since: int, length: int, context: int, ended: bool
) -> None:
    """Lines without a time belong to the one before them."""
    now, data = 0, b""
    lines: list[tuple[int, int]] = []
    """Offset and time of each."""
    for step, size, stamped in [(0, 0, True), *steps * times]:
        now += step if stamped else 0
        lines.append((len(data), now))
        data += (b"%06d " % now if stamped else b"  at ") + b"x" * size + b"\n"
    data = data if ended else data[:-1]

    async def probe(blocks: Sequence[int]) -> dict[int, bytes]:
        return {block: data[block * BLOCK : (block + 1) * BLOCK] for block in blocks}

    part = await sliced(probe, len(data), _number, since, since + length, context)
    assert part is not None
    begin = next((n for n, (_, at) in enumerate(lines) if at >= since), len(lines))
    end = next((n for n, (_, at) in enumerate(lines) if at >= since + length), len(lines))
    assert [n for n, (offset, _) in enumerate(lines) if _inside(part, offset)] == list(range(begin, end))
    if begin < end:
        assert part.first <= part.start
        assert part.last is None or part.end is None or part.last >= part.end


async def test_where_few_lines_have_a_time_more_is_searched_rather_than_less() -> None:
    lines = [b"000001 begin\n", *[b"x" * 50_000 + b"\n"] * 40, b"000009 end\n"]
    data = b"".join(lines)

    async def probe(blocks: Sequence[int]) -> dict[int, bytes]:
        return {block: data[block * BLOCK : (block + 1) * BLOCK] for block in blocks}

    part = await sliced(probe, len(data), _number, 5, 10, 0)
    assert part is not None
    assert _inside(part, len(data) - len(lines[-1]))
    assert await sliced(probe, len(data), lambda line: None, 5, 10, 0) is None


def _number(line: bytes) -> int | None:
    return int(line[:6]) if line[:6].isdigit() else None


def _inside(part: Slice, offset: int) -> bool:
    return part.start <= offset and (part.end is None or offset < part.end)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30), st.integers(0, 4))
def test_context_is_what_stands_near_a_match_in_one_piece(flags: list[tuple[bool, bool]], context: int) -> None:
    rows = [FoundLine(None, str(n).encode(), match, None, joined and n > 0) for n, (match, joined) in enumerate(flags)]
    pieces: list[list[int]] = []
    for n, row in enumerate(rows):
        if not row.joined:
            pieces.append([])
        pieces[-1].append(n)
    wanted = {
        near
        for piece in pieces
        for place, n in enumerate(piece)
        if rows[n].match
        for near in piece[max(0, place - context) : place + context + 1]
    }
    kept = beside(rows, context)
    assert [int(row.text) for row in kept] == sorted(wanted)
    for before, row in pairwise(kept):
        if row.joined:
            assert int(row.text) == int(before.text) + 1


async def test_a_file_that_may_not_be_read_is_said_and_the_host_is_not_asked() -> None:
    async def ask(*words: object) -> list[Record]:
        raise AssertionError(words)

    closed = Listed(1, 0, False, "1:2", 100, 0, "/l/a.log")
    request = SearchRequest("x", lambda line: True, lambda: _number)
    searching = FileSearch(ask, closed, request, Left(10, 1000), exact=True, places=True)
    await searching.run()
    assert searching.findings() == [Counted("/l/a.log", total=100, cut="permission denied")]
