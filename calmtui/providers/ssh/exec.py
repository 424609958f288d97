"""An operator's command on a host, followed while it runs; see `transport.exec`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from shlex import join, quote

from calmtui.providers.base import Command, Piece
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.run import POSIX
from calmtui.transport.exec import Sending, follow

_CSH = frozenset({"csh", "tcsh"})
"""Login shells that want a line end within quotes escaped."""


async def start(pool: HostPool, command: Command) -> AsyncGenerator[Piece | None, None]:
    """Run a command on a host; see `providers.base.Exec.start`."""
    sending = Sending(command)
    async with pool.channel() as connection:
        from calmtui.providers.ssh.channel import HostChannel  # imports asyncssh, which is there by now

        channel = HostChannel()
        try:
            await connection.create_session(
                lambda: channel, command_line(sending, pool.shell), encoding=None, request_pty=False
            )
        except BaseException as error:  # the host hangs or is lost: if it comes back, it is not to begin the command
            if channel.opened and (isinstance(error, asyncio.CancelledError) or connection.is_closed()):
                command.left_running()
            await channel.close()
            raise
        yield None
        async with aclosing(follow(channel, sending, pool.name)) as pieces:
            async for piece in pieces:
                yield piece


def command_line(sending: Sending, shell: str) -> str:
    """What to send to the login shell `shell` (a path; empty: not known)."""
    called = shell.rpartition("/")[2]
    words = sending.command.words
    if sending.command.sudo is None:
        if called in POSIX:
            return sending.line()
        if len(words) == 1:
            words = (f'exec "${{SHELL:-/bin/sh}}" -c {quote(words[0])}',)
    line = f"exec {join(sending.through_shell(words))}"
    return line.replace("\n", "\\\n") if called in _CSH else line
