"""One command or shell on a demo host: a real process, in the host's folder, until it ends or the client goes."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import shutil
import signal
import termios
from pathlib import Path

import asyncssh

from calmtui.demo.population import Machine
from calmtui.demo.stand_ins import by_name


async def serve(process: asyncssh.SSHServerProcess[bytes], machine: Machine, home: Path) -> None:
    """Run what the client asked for and pass its output and status on."""
    terminal = process.term_type
    environment = _environment(machine, home)
    argv = _argv(process.command, interactive=terminal is not None)
    if terminal is not None:
        child = await _on_pty(process, argv, environment | {"TERM": terminal}, home)
    else:
        child = await _on_pipes(process, argv, environment, home)
    try:
        await _until_over(process, child)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # what it left behind
    with contextlib.suppress(OSError, asyncssh.Error):  # the client has gone
        if (child.returncode or 0) < 0:
            process.exit_with_signal(signal.Signals(-(child.returncode or 0)).name.removeprefix("SIG"))
        else:
            process.exit(child.returncode or 0)


async def _until_over(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    """Wait for the child and its output, or for the client to go away, which ends the child."""
    finished = asyncio.create_task(_finish(process, child))
    gone = asyncio.create_task(process.channel.wait_closed())
    await asyncio.wait({finished, gone}, return_when=asyncio.FIRST_COMPLETED)
    if not finished.done():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGHUP)
    for task in (finished, gone):
        task.cancel()
    await asyncio.gather(finished, gone, return_exceptions=True)


async def _finish(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    await child.wait()
    await process.stdout.drain()
    await process.stderr.drain()


def _argv(command: str | None, *, interactive: bool) -> list[str]:
    if command is not None:
        return ["sh", "-c", by_name(command)]
    shell = ["bash", "--noprofile", "--norc"] if shutil.which("bash") else ["sh"]
    return [*shell, "-i"] if interactive else shell


def _environment(machine: Machine, home: Path) -> dict[str, str]:
    """Nothing of the environment that the demo was started in but PATH and the language."""
    name = machine.name
    path = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    return {
        "PATH": f"{home.parent.parent / 'bin'}:{path}",
        "HOME": str(home),
        "USER": "demo",
        "LOGNAME": "demo",
        "SHELL": "/bin/sh",
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOSTNAME": name,
        "DEMO_HOST": name,
        "DEMO_ADDRESS": machine.address,
        "PS1": f"demo@{name}:\\w\\$ " if shutil.which("bash") else f"demo@{name}$ ",
    }


async def _on_pipes(
    process: asyncssh.SSHServerProcess[bytes], argv: list[str], environment: dict[str, str], home: Path
) -> asyncio.subprocess.Process:
    # Plain pipes rather than asyncio's streams: only to these does asyncssh pass signals on.
    (in_, to_child), (from_child, out), (errors_from_child, err) = os.pipe(), os.pipe(), os.pipe()
    try:
        child = await asyncio.create_subprocess_exec(
            *argv, stdin=in_, stdout=out, stderr=err, env=environment, cwd=home, start_new_session=True
        )
    finally:
        for end in (in_, out, err):
            os.close(end)
    _takes_signals(process, child)
    # No EOF is passed on: the first stream that a command closes would close the channel for the other one.
    await process.redirect(stdin=to_child, stdout=from_child, stderr=errors_from_child, send_eof=False)
    return child


async def _on_pty(
    process: asyncssh.SSHServerProcess[bytes], argv: list[str], environment: dict[str, str], home: Path
) -> asyncio.subprocess.Process:
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    try:
        child = await asyncio.create_subprocess_exec(
            *argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=home,
            start_new_session=True, preexec_fn=take_terminal,
        )  # fmt: skip
    finally:
        os.close(theirs)
    _takes_signals(process, child)
    await process.redirect(stdin=os.dup(ours), stdout=ours)
    return child


def _takes_signals(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    """Pass signals to all of the child's group, as a terminal's are; before its first output reaches the client."""
    process.set_redirect_pid(-child.pid)
