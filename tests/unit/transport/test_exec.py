"""The watchdog as real shells run it here, and its marks taken out of what a command says."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.ssh.exec import command_line
from calmtui.transport.exec import Command, Marks, Output, Sending

SHELLS = sorted({str(Path(path).resolve()) for name in ("sh", "bash", "dash", "ksh") if (path := shutil.which(name))})
HARD = ("printf", "%s|", "a b", "it's", '"$HOME"', "back\\slash", "new\nline", "*", "-n", "ünï")


class Far:
    """A command as sshd would run it: its login shell gets the line."""

    def __init__(self, command: Command, shell: str, *, known: bool = True) -> None:
        self.sending = Sending(command)
        self.process = subprocess.Popen(
            [shell, "-c", command_line(self.sending, shell if known else "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"SHELL": shell, "PATH": "/usr/bin:/bin"},
            start_new_session=True,
        )
        assert self.process.stdin is not None
        self.stdin = self.process.stdin
        self.stdin.write(self.sending._preface + command.stdin)  # type: ignore[operator]
        self.stdin.flush()

    def end(self) -> tuple[bytes, bytes, int]:
        """What it printed, without the marks, and the exit status that the mark told."""
        out, err = self._read()
        parts = Marks(self.sending.nonce).feed(Output(err, is_error=True))
        said = b"".join(part.data for part in parts if isinstance(part, Output))
        [status] = [int(part) for part in parts if isinstance(part, str)]
        return out, said, status

    def _read(self) -> tuple[bytes, bytes]:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        with ThreadPoolExecutor(1) as beside:  # stdin stays open, as a channel does, so `communicate` is none for us
            err = beside.submit(self.process.stderr.read)
            out = self.process.stdout.read()
            self.process.wait(timeout=60)
            return out, err.result()


def alive(mark: str) -> list[str]:
    """Command lines with that mark, of what is no zombie."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in line and "calm_" not in line:
            found.append(line)
    return found


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("known", [True, False], ids=["shell known", "shell unknown"])
@pytest.mark.parametrize("shell", SHELLS)
def test_arguments_arrive_as_they_were_given_whatever_the_login_shell(shell: str, known: bool) -> None:
    out, err, status = Far(Command(HARD), shell, known=known).end()
    assert (out.decode(), err, status) == ("".join(f"{word}|" for word in HARD[2:]), b"", 0)


@pytest.mark.parametrize("known", [True, False], ids=["shell known", "shell unknown"])
@pytest.mark.parametrize("shell", SHELLS)
def test_one_word_is_a_line_for_the_login_shell(shell: str, known: bool) -> None:
    line = "for x in 1 2; do echo \"$x 'q'\"; done; echo oops >&2; exit 7"
    assert Far(Command((line,)), shell, known=known).end() == (b"1 'q'\n2 'q'\n", b"oops\n", 7)


@pytest.mark.parametrize("shell", SHELLS)
def test_input_and_environment_arrive_whole_and_stand_in_no_list_of_processes(shell: str) -> None:
    environment = {"SECRET": "it's\ntwo lines", "EMPTY": ""}
    data = bytes(range(256)) * 400
    far = Far(Command(('printf "[%s]" "$SECRET" "$EMPTY"; cat; ps -ww -A -o args= >&2',), data, environment), shell)
    out, err, status = far.end()
    assert (out, status) == (b"[it's\ntwo lines][]" + data, 0)
    assert b"two lines" not in err


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_without_input_reads_nothing_and_does_not_wait(shell: str) -> None:
    assert Far(Command(("cat; echo end",)), shell).end() == (b"end\n", b"", 0)


@pytest.mark.parametrize("how", ["a line", "the end of the channel", "input that nobody reads"])
@pytest.mark.parametrize("shell", SHELLS)
def test_all_that_a_command_started_ends_when_it_is_told_to_or_whoever_asked_is_gone(shell: str, how: str) -> None:
    mark = uuid4().hex
    name = f"{mark}"
    line = (
        f"sh -c 'trap \"\" TERM HUP; while :; do sleep 0.1; done' {name}-deaf & "
        f"setsid sh -c 'sleep 1000; :' {name}-session & nohup sh -c 'sleep 1000; :' {name}-nohup & "
        f"timeout 1000 sh -c 'sleep 1000; :' {name}-group & sh -c 'sleep 1000; :' {name}-last; echo never"
    )
    stdin = b"x" * 500_000 if how == "input that nobody reads" else b""
    far = Far(Command((line,), stdin), shell)
    until(lambda: {f"{name}-{kind}" for kind in ("deaf", "session", "nohup", "group", "last")}
          <= set(" ".join(alive(mark)).split()))  # fmt: skip
    if how == "a line":
        far.stdin.write(b"\n")
        far.stdin.flush()
        assert far.end()[2] in (143, 137)
    else:
        far.stdin.close()
    until(lambda: not alive(mark))
    far.process.wait(timeout=30)


def test_what_a_command_leaves_running_on_purpose_goes_on() -> None:
    mark = uuid4().hex
    far = Far(Command((f"sh -c 'sleep 1000; :' {mark} >/dev/null 2>&1 & echo $!",)), "/bin/sh")
    out, _, status = far.end()
    assert status == 0
    until(lambda: len(alive(mark)) == 1)
    os.kill(int(out), signal.SIGKILL)


@given(st.lists(st.binary(max_size=12) | st.just(b"\x1e"), max_size=8), st.lists(st.integers(1, 9), max_size=60))
def test_marks_are_found_and_nothing_else_is_lost_however_the_output_is_cut(
    texts: list[bytes], cuts: list[int]
) -> None:
    sending = Sending(Command(("true",)))
    mark = b"\x1e%s 7\x1e" % sending.nonce.encode()
    data = mark.join([b"", *texts])
    marks, found, at = Marks(sending.nonce), [], 0
    for cut in [*cuts, len(data)]:
        found += marks.feed(Output(data[at : at + cut], is_error=True))
        at += cut
    found += marks.end()
    assert b"".join(part.data for part in found if isinstance(part, Output)) == b"".join(texts)
    assert [part for part in found if isinstance(part, str)] == ["7"] * len(texts)
