"""Commands on a host: what is sent, what comes back, and how one is ended at the far side.

The command's shell first prints its process id on stderr, in one marked line that is taken out again.
sshd makes each command the leader of a session of its own, so that id names the process group to kill when
the operator cancels or time is up: signals through the channel do nothing for a root login (OpenSSH 9.2),
and a closed channel does not end a command that is silent.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from shlex import join, quote

from calmtui.errors import SourceError, Unreachable
from calmtui.providers.base import ExecResult
from calmtui.providers.ssh.pool import HostPool

_MARK = "calmtui-process"
_MARKED = re.compile(rb"^" + _MARK.encode() + rb" (\d{1,10})\n", re.MULTILINE)
POSIX = frozenset({"sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "busybox"})
"""Login shells that take a POSIX line as it is."""
_KILL_TENTHS = 20
"""Tenths of a second that a command has to end by itself after TERM, before KILL."""
_KILL = """
exec 2>/dev/null
group=-$1; kill -s TERM -- $group || { group=$1; kill -s TERM -- $group || exit 0; }
tenths=0
while kill -s 0 -- $group; do
  tenths=$((tenths + 1)); [ $tenths -lt $2 ] || { kill -s KILL -- $group; exit; }
  sleep 0.1
done
"""


def command_line(command: Sequence[str], shell: str) -> str:
    """What to send for a command, one element being a line for the login shell `shell` (a path; empty: not known)."""
    mark = f"printf '{_MARK} %s\\n' $$ >&2"
    if shell.rpartition("/")[2] in POSIX:
        return f"{mark}\n{command[0]}" if len(command) == 1 else f"{mark}\nexec {join(command)}"
    inner = f'exec "${{SHELL:-/bin/sh}}" -c {quote(command[0])}' if len(command) == 1 else f"exec {join(command)}"
    return f"exec /bin/sh -c {quote(f'{mark}; {inner}')}"


async def run(
    pool: HostPool, command: Sequence[str], *, stdin: bytes | None = None, timeout: float | None = None
) -> ExecResult:
    """Run a command on a host and wait; see `providers.base.Exec.run`."""
    async with pool.channel() as connection:
        from calmtui.providers.ssh.session import Collected  # imports asyncssh, which is there by now

        began = time.perf_counter()
        session = Collected()
        channel, _ = await connection.create_session(
            lambda: session, command_line(command, pool.shell), encoding=None, request_pty=False
        )
        try:
            if stdin:
                channel.write(stdin)
            channel.write_eof()
            async with asyncio.timeout(timeout):
                await session.done.wait()
        except TimeoutError as error:
            await _end(pool, b"".join(session.stderr))
            raise Unreachable(f"the command was ended after {timeout:g} s", where=pool.name) from error
        except asyncio.CancelledError:
            await asyncio.shield(_end(pool, b"".join(session.stderr)))
            raise
        finally:
            channel.abort()
        notes = []
        if session.signal:
            notes.append(f"killed by {session.signal}")
        elif session.exit_status is None:
            notes.append("the connection was lost before the command ended")
        if session.cut:
            notes.append("output cut at 10 MiB")
        return ExecResult(
            exit_status=session.exit_status,
            stdout=b"".join(session.stdout),
            stderr=_MARKED.sub(b"", b"".join(session.stderr), count=1),
            took=time.perf_counter() - began,
            note="; ".join(notes),
        )


async def _end(pool: HostPool, stderr: bytes) -> None:
    """End the process group of a command, gently, then not."""
    match = _MARKED.search(stderr)
    if match is None:  # it had not begun, or its shell is none that can say
        return
    kill = f"exec /bin/sh -c {quote(_KILL)} kill {int(match[1])} {_KILL_TENTHS}"
    with suppress(SourceError, TimeoutError):  # the connection may be what failed
        async with asyncio.timeout(_KILL_TENTHS / 10 + 5), pool.channel() as connection:
            await connection.run(kill, encoding=None)
