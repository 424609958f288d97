"""What is sent for a command: run by real shells here, as sshd would run it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from calmtui.providers.ssh.run import command_line

SHELLS = [path for name in ("sh", "bash", "dash", "zsh", "ksh") if (path := shutil.which(name))]
HARD = ["printf", "%s|", "a b", "it's", '"$HOME"', "back\\slash", "new\nline", "*", "-n", "ünï"]


@pytest.mark.parametrize("known", [True, False], ids=["shell known", "shell unknown"])
@pytest.mark.parametrize("shell", SHELLS)
def test_arguments_arrive_as_they_were_given_whatever_the_login_shell(shell: str, known: bool) -> None:
    done = sent(shell, command_line(HARD, shell if known else ""))
    assert done.stdout.decode() == "".join(f"{word}|" for word in HARD[2:])


@pytest.mark.parametrize("known", [True, False], ids=["shell known", "shell unknown"])
@pytest.mark.parametrize("shell", SHELLS)
def test_one_element_is_a_line_for_the_login_shell(shell: str, known: bool) -> None:
    done = sent(shell, command_line(["for x in 1 2; do echo \"$x 'q'\"; done; exit 7"], shell if known else ""))
    assert (done.stdout, done.returncode) == (b"1 'q'\n2 'q'\n", 7)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_first_line_on_stderr_is_the_process_to_end(shell: str) -> None:
    done = sent(shell, command_line(["sh", "-c", "echo $$; echo mine >&2"], shell))
    first, rest = done.stderr.split(b"\n", 1)
    assert first == b"calmtui-process " + done.stdout.strip()
    assert rest == b"mine\n"


def sent(shell: str, line: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"SHELL": shell, "PATH": "/usr/bin:/bin"}
    return subprocess.run([shell, "-c", line], capture_output=True, timeout=10, env=environment)
