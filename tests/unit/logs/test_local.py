"""Files of this machine: their ends, their siblings, and what is added, against what was written."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.errors import SourceError, UsageError
from calmtui.logs import tail as tail_module
from calmtui.logs.follow import Follower
from calmtui.logs.local import LocalLogs, are_files, is_file
from calmtui.logs.tail import Splitter, begin_of_tail, begin_of_time
from calmtui.providers.base import LogChunk, LogRequest

WHOLE = LogRequest(tail=None, follow=False)
LINES = st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=30)


@given(LINES, st.integers(0, 40), st.booleans(), st.integers(1, 20))
def test_the_last_lines_of_a_file_begin_where_splitting_it_says(
    lines: list[bytes], count: int, ended: bool, piece: int
) -> None:
    content = b"\n".join(lines) + b"\n" * ended
    whole = content.removesuffix(b"\n").split(b"\n") if content else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail_module, "PIECE", piece)
        begin = begin_of_tail(io.BytesIO(content), count)
    assert content[begin:].removesuffix(b"\n").split(b"\n") == (whole[-count:] if count and whole else [b""])


@given(LINES, st.lists(st.integers(1, 9)), st.booleans())
def test_lines_are_the_same_in_whatever_pieces_they_come(lines: list[bytes], sizes: list[int], ended: bool) -> None:
    content = b"\n".join(lines) + b"\n" * ended
    splitter, found, at = Splitter(), list[bytes](), 0
    for size in [*sizes, len(content) + 1]:
        found += splitter.feed(content[at : at + size])
        at += size
    found += splitter.end()
    assert found == (content.removesuffix(b"\n").split(b"\n") if content not in (b"", b"\n") else [b""] * len(content))


def test_a_line_without_an_end_never_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "LONGEST", 1000)
    splitter = Splitter()
    given_out = [line for _ in range(100) for line in splitter.feed(b"x" * 100)]
    assert splitter.held <= 1000
    assert b"".join([*given_out, *splitter.end()]) == b"x" * 10_000


def test_the_lines_from_a_moment_on_are_found_by_halving() -> None:
    first = 1_795_228_154
    lines = [f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(first + n))} INFO line {n}\n" for n in range(20_000)]
    file = io.BytesIO("".join(lines).encode())
    for wanted in (0, 1, 777, 19_999):
        file.seek(begin_of_time(file, first + wanted))
        assert file.readline().decode() == lines[wanted]
    assert begin_of_time(file, first + 20_000) == len(file.getvalue())


def test_words_that_mean_files_are_told_from_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain").touch()
    assert all(map(is_file, ["-", "plain", "/var/log/x", "./x", "../x", "~/x", "app.log", "app.log.1.gz", "x.xz"]))
    assert not any(map(is_file, ["web", "label.app=api", "name~^web", "k8s:prod/shop", "kind=pod and env=prod"]))
    assert are_files(["plain", "app.log"])
    assert not are_files(["web"])
    with pytest.raises(UsageError, match="neither a file nor the only word"):
        are_files(["plain", "web"])


async def lines_of(files: LocalLogs, request: LogRequest) -> list[str]:
    async with Follower(files.live(), files.nodes, request) as follower:
        lines = await follower.collect()
        assert [stream.error for stream in follower.streams.values()] == [""] * len(follower.streams)
        return [line.text for line in lines]


async def test_several_files_are_one_log_in_the_order_of_time(tmp_path: Path) -> None:
    for offset in range(3):
        file = tmp_path / f"{offset}.log"
        file.write_text("".join(f"2026-11-21T02:29:{second:02d}Z n\n" for second in range(offset, 60, 3)))
    files = LocalLogs([str(tmp_path / "*.log")])
    assert [node.name for node in files.nodes] == ["0.log", "1.log", "2.log"]
    assert await lines_of(files, WHOLE) == [f"2026-11-21T02:29:{second:02d}Z n" for second in range(60)]


async def test_rotated_and_packed_siblings_come_before_the_file(tmp_path: Path) -> None:
    packed: dict[str, Callable[[bytes], bytes]] = {
        "app.log.4.xz": lzma.compress, "app.log.3.bz2": bz2.compress, "app.log.2.gz": gzip.compress,
    }  # fmt: skip
    for age, (name, pack) in enumerate(packed.items()):
        (tmp_path / name).write_bytes(pack(f"line {age}\n".encode()))
        os.utime(tmp_path / name, (age, age))
    (tmp_path / "app.log.1").write_text("line 3\n")
    os.utime(tmp_path / "app.log.1", (3, 3))
    (tmp_path / "app.log").write_text("line 4\nline 5\n")
    files = LocalLogs([str(tmp_path / "app.log")], rotated=True)
    assert await lines_of(files, WHOLE) == [f"line {number}" for number in range(6)]
    assert await lines_of(files, LogRequest(tail=3, follow=False)) == ["line 3", "line 4", "line 5"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [("nix.log", None, "No such file"), ("x.gz", b"not packed", "gzip"), ("x.zst", b"", "zstdcat")],
)
async def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    files = LocalLogs([str(tmp_path / name)])
    with pytest.raises(SourceError, match=why):
        async for _ in files.logs(files.nodes[0], WHOLE):
            pass


async def upto(chunks: AsyncGenerator[LogChunk, None], last: bytes) -> tuple[list[bytes], list[str]]:
    """The lines and notes up to a line."""
    lines, notes = list[bytes](), list[str]()
    async with asyncio.timeout(30):
        async for chunk in chunks:
            lines += [line for _, line in chunk.lines]
            notes += [chunk.note] * bool(chunk.note)
            if last in lines:
                return lines, notes
    raise AssertionError(lines)


async def test_what_is_added_comes_through_a_rotation_and_a_truncation(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"0\n1\n2\n")
    files = LocalLogs([str(path)])
    async with aclosing(files.logs(files.nodes[0], LogRequest(tail=2, follow=True))) as chunks:
        assert await upto(chunks, b"2") == ([b"1", b"2"], [])
        with path.open("ab") as file:
            file.write(b"3\nhal")
            file.flush()
            assert await upto(chunks, b"3") == ([b"3"], [])
            path.rename(tmp_path / "app.log.1")
            file.write(b"f\nlast of the old\n")
        path.write_bytes(b"first of the new\n")
        lines, notes = await upto(chunks, b"first of the new")
        assert lines == [b"half", b"last of the old", b"first of the new"]
        assert ["rotated" in note for note in notes] == [True]
        os.truncate(path, 0)
        lines, notes = await upto_note(chunks)
        with path.open("ab") as file:
            file.write(b"a\n")
        more, _ = await upto(chunks, b"a")
        assert (lines + more, ["cut short" in note for note in notes]) == ([b"a"], [True])


async def upto_note(chunks: AsyncGenerator[LogChunk, None]) -> tuple[list[bytes], list[str]]:
    async with asyncio.timeout(30):
        async for chunk in chunks:
            if chunk.note:
                assert chunk.gap
                return [line for _, line in chunk.lines], [chunk.note]
    raise AssertionError


def test_the_names_of_files_are_as_long_as_it_takes_to_tell_them_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.log").touch()
    files = LocalLogs([str(tmp_path / "*" / "app.log")])
    assert [node.name for node in files.nodes] == ["a/app.log", "b/app.log"]
