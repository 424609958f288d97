"""The reader under the shells that hosts have, read as calmtui reads it; nothing but this machine is needed."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from calmtui.providers.base import LogChunk
from calmtui.providers.ssh.frames import Frames
from calmtui.providers.ssh.logs import script
from calmtui.providers.ssh.places import Place

ZSTD = shutil.which("zstd")
PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A shell; busybox brings its own tail, head, stat, cksum, ls and gzip, as on Alpine."""
    command = SHELLS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    if command[0] == "busybox":
        tools = tmp_path / "tools"
        tools.mkdir()
        for name in subprocess.check_output(["busybox", "--list"], text=True).split():
            (tools / name).symlink_to(str(shutil.which("busybox")))
        monkeypatch.setenv("PATH", str(tools))
        return [str(tools / "sh")]
    return [str(shutil.which(command[0])), *command[1:]]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    tmp_path.chmod(0o755)
    return folder


class Reading:
    """One run of the script and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process, frames: Frames) -> None:
        self.process = process
        self.frames = frames
        self.chunks: list[LogChunk] = []

    @property
    def lines(self) -> list[str]:
        return [line.decode() for chunk in self.chunks for _, line in chunk.lines]

    @property
    def notes(self) -> str:
        return "\n".join(f"{Path(chunk.stream).name}: {chunk.note}" for chunk in self.chunks if chunk.note)

    async def until(self, holds: Callable[[], bool]) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while not holds():
                data = await self.process.stdout.read(1 << 16)
                assert data, f"it ended: {self.lines[-5:]} {self.notes}"
                self.chunks += self.frames.feed(data)


@asynccontextmanager
async def reading(
    shell: list[str],
    *patterns: str | Path,
    places: list[Place] | None = None,
    tail: int | None = None,
    since: int | None = None,
    follow: bool = True,
    starts: str = "",
) -> AsyncIterator[Reading]:
    """The script over patterns (with a `*`) and files, going on from `places` where they are given."""
    globs = [str(pattern) for pattern in patterns if "*" in str(pattern)]
    known = places if places is not None else [Place(str(path)) for path in patterns if "*" not in str(path)]
    frames = Frames("n0nce", known, tail, begun=places is not None, hold=since is not None)
    words = ["n0nce", "0.05", "-" if tail is None else str(tail), "-" if since is None else str(since)]
    words += [str(int(follow)), str(int(places is None)), starts, str(len(globs)), *globs]
    words += [word for place in known for word in place.arguments]
    process = await asyncio.create_subprocess_exec(
        *shell, "-c", script(), "follow", *words, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        yield Reading(process, frames)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def packed(path: Path, suffix: str) -> None:
    """Compress a file in its place, as logrotate does."""
    data, times = path.read_bytes(), path.stat()
    other = path.with_name(path.name + suffix)
    if suffix == ".zst":
        subprocess.run([str(ZSTD), "-q", "-o", other, path], check=True)
    else:
        other.write_bytes(PACKERS[suffix](data))
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    path.unlink()


async def test_several_files_come_from_their_last_lines_on(shell: list[str], logs: Path) -> None:
    (logs / "a.log").write_text("".join(f"a{number}\n" for number in range(50)))
    (logs / "b b.log").write_text("b0\nhalf")
    async with reading(shell, logs / "*.log", tail=2) as read:
        await read.until(lambda: len(read.lines) == 3)
        assert sorted(read.lines) == ["a48", "a49", "b0"]
        with (logs / "b b.log").open("a") as file:
            file.write(" line\n")
        await read.until(lambda: read.lines[3:] == ["half line"])


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
async def test_the_rest_is_read_from_the_compressed_file_and_from_those_after_it(
    shell: list[str], logs: Path, suffix: str
) -> None:
    if suffix == ".zst" and (ZSTD is None or "tools" in shell[0]):
        pytest.skip("there is no zstd here")
    path = logs / "app.log"
    path.write_text("one\ntwo\nthr")
    async with reading(shell, path) as read:
        await read.until(lambda: read.lines == ["one", "two"])
    with path.open("a") as file:
        file.write("ee\nfour\n")
    os.utime(path, (1000, 1000))
    packed(path.rename(logs / "app.log.2"), suffix)
    (logs / "app.log.1").write_text("five\n")
    path.write_text("six\n")
    async with reading(shell, places=read.frames.places) as again:
        await again.until(lambda: "six" in again.lines)
    assert again.lines == ["three", "four", "five", "six"]
    assert "gap" not in again.notes


async def test_a_file_that_was_copied_and_cut_is_read_to_the_end_of_its_copies(shell: list[str], logs: Path) -> None:
    path = logs / "app.log"
    path.write_text("one\ntwo\n")
    async with reading(shell, path) as read:
        await read.until(lambda: read.lines == ["one", "two"])
    path.write_text("one\ntwo\nthree\n")
    shutil.copyfile(path, logs / "app.log.2")
    os.utime(logs / "app.log.2", (1000, 1000))
    path.write_text("four\n")
    shutil.copyfile(path, logs / "app.log.1")
    path.write_text("five, and longer than all that was read before\n")
    async with reading(shell, places=read.frames.places) as again:
        await again.until(lambda: len(again.lines) == 3)
        assert again.lines == ["three", "four", "five, and longer than all that was read before"]
        assert "gap" not in again.notes
        shutil.copyfile(path, logs / "app.log.0")
        path.write_text("six\n")
        await again.until(lambda: "six" in again.lines)
        assert "the copy was read to its end" in again.notes


async def test_a_rotated_file_that_was_deleted_is_a_gap_and_what_is_left_is_read(shell: list[str], logs: Path) -> None:
    path = logs / "app.log"
    path.write_text("one\n")
    os.utime(path, (1000, 1000))
    async with reading(shell, path) as read:
        await read.until(lambda: read.lines == ["one"])
    path.unlink()
    (logs / "app.log.1").write_text("three\n")
    path.write_text("four\n")
    async with reading(shell, places=read.frames.places) as again:
        await again.until(lambda: "four" in again.lines)
    assert again.lines == ["three", "four"]
    (gap,) = [chunk for chunk in again.chunks if chunk.gap]
    assert "byte 4" in gap.note
    assert "1970-01-01 00:16:40 UTC" in gap.note


async def test_an_inode_that_is_used_anew_is_not_taken_for_the_file_that_had_it(shell: list[str], logs: Path) -> None:
    path = logs / "app.log"
    path.write_text("one\n")
    async with reading(shell, path) as read:
        await read.until(lambda: read.lines == ["one"])
    path.write_text("another file altogether\n")
    async with reading(shell, places=read.frames.places) as again:
        await again.until(lambda: "another file altogether" in again.lines)
    assert again.lines == ["another file altogether"]
    assert "gap" in again.notes


async def test_a_file_that_was_cut_and_has_grown_to_the_same_size_or_beyond_is_read_anew(
    shell: list[str], logs: Path
) -> None:
    path = logs / "app.log"
    path.write_text("one\n")
    async with reading(shell, path) as read:
        await read.until(lambda: read.lines == ["one"])
        shutil.copyfile(path, logs / "app.log.1")
        path.write_text("two\n")
        await read.until(lambda: len(read.lines) == 2)
        shutil.copyfile(path, logs / "app.log.0")
        path.write_text("three\n")
        await read.until(lambda: len(read.lines) == 3)
    assert read.lines == ["one", "two", "three"]
    assert "gap" not in read.notes


async def test_files_that_appear_later_join_but_rotated_ones_do_not(shell: list[str], logs: Path) -> None:
    (logs / "a.log").write_text("old\n")
    async with reading(shell, logs / "a*", logs / "b*", tail=0) as read:
        await read.until(lambda: read.frames.begun)
        (logs / "a.log").rename(logs / "a-20261121.log")
        (logs / "a.log").write_text("new\n")
        (logs / "b.log").write_text("b1\nb2\n")
        (logs / "b.log.1.gz").write_bytes(gzip.compress(b"b0\n"))
        await read.until(lambda: {"new", "b2"} <= set(read.lines))
        with (logs / "b.log").open("a") as file:
            file.write("end\n")
        await read.until(lambda: "end" in read.lines)
    assert sorted(read.lines) == ["b1", "b2", "end", "new"]


async def test_what_was_written_since_a_time_is_taken_from_the_rotated_files_too(shell: list[str], logs: Path) -> None:
    path = logs / "app.log"
    for name, text, mtime in (("app.log.3", "0\n", 1000), ("app.log.2", "1\n", 2000), ("app.log.1", "2\n3\n", 3000)):
        (logs / name).write_text(text)
        os.utime(logs / name, (mtime, mtime))
    packed(logs / "app.log.2", ".gz")
    path.write_text("4\n")
    (logs / "quiet.log").write_text("nothing new\n")
    os.utime(logs / "quiet.log", (1000, 1000))
    async with reading(shell, path, logs / "quiet.log", since=2000, follow=False) as read:
        await read.until(lambda: read.frames.ended)
        assert (read.lines, read.notes) == (["1", "2", "3", "4"], "")
    async with reading(shell, path, since=2000, tail=3, follow=False) as read:
        await read.until(lambda: read.frames.ended)
        assert read.lines == ["2", "3", "4"]


async def test_a_file_begins_where_the_lines_since_a_time_do(shell: list[str], logs: Path) -> None:
    path = logs / "app.log"
    (logs / "app.log.1").write_text("".join(f"{number}\n" for number in range(500)))
    os.utime(logs / "app.log.1", (2000, 2000))
    path.write_text("500\n")
    (logs / "other.log").write_text("".join(f"other {number}\n" for number in range(9)))
    status = [(logs / name).stat() for name in ("app.log.1", "other.log")]
    at = [1890 - 4 * 3, 8 * 8]  # where the last three begin, and the last one
    starts = "\n".join(f"{one.st_dev}:{one.st_ino} {byte}" for one, byte in zip(status, at, strict=True))
    async with reading(shell, path, logs / "other.log", since=1000, starts=starts) as read:
        await read.until(lambda: read.frames.begun and len(read.lines) == 5)
        assert sorted(read.lines) == ["497", "498", "499", "500", "other 8"]
        with path.open("a") as file:
            file.write("501\n")
        path.rename(logs / "app.log.2")
        path.write_text("502\n")
        await read.until(lambda: "502" in read.lines)
        assert [line for line in read.lines if "other" not in line] == ["497", "498", "499", "500", "501", "502"]
        assert "gap" not in read.notes


async def test_what_is_no_file_to_follow_is_said_and_nothing_hangs(shell: list[str], logs: Path) -> None:
    os.mkfifo(logs / "pipe.log")
    (logs / "folder.log").mkdir()
    (logs / "real.log").write_text("line\n")
    names = ["pipe.log", "folder.log", "none.log", "real.log"]
    async with reading(shell, *(logs / name for name in names)) as read:
        await read.until(lambda: read.lines == ["line"] and read.frames.begun)
        assert "pipe.log: neither a file" in read.notes
        assert "folder.log: a directory" in read.notes
        assert "none.log: there is no such file" in read.notes
        (logs / "none.log").write_text("there now\n")
        (logs / "real.log").unlink()
        await read.until(lambda: "there now" in read.lines and "real.log: there is no such file" in read.notes)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
async def test_a_file_that_may_not_be_read_is_said_and_read_once_it_may(logs: Path) -> None:
    path = logs / "app.log"
    path.write_text("secret\n")
    path.chmod(0o600)
    for folder in logs.parents:
        if folder.stat().st_mode & 0o001 == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    async with reading(["setpriv", "--reuid=65534", "--clear-groups", "dash"], path) as read:
        await read.until(lambda: "app.log: it may not be read" in read.notes)
        path.chmod(0o644)
        await read.until(lambda: read.lines == ["secret"])


async def test_a_big_file_does_not_keep_the_others_waiting(shell: list[str], logs: Path) -> None:
    (logs / "a.log").write_bytes((b"x" * 999 + b"\n") * 24_000 + b"end\n")
    (logs / "b.log").write_text("quick\n")
    async with reading(shell, logs / "a.log", logs / "b.log") as read:
        await read.until(lambda: "quick" in read.lines)
        assert "end" not in read.lines
        behind = [chunk.behind for chunk in read.chunks if chunk.behind]
        assert behind
        await read.until(lambda: "end" in read.lines)
