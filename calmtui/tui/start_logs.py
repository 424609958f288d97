"""The log screen from the command line: on what a query selects, or on files of this machine and what is piped in."""

from __future__ import annotations

import os
from collections.abc import Sequence

from calmtui.errors import CalmError, UsageError
from calmtui.estate.around import around
from calmtui.estate.settings import Settings
from calmtui.fleet.node import Node
from calmtui.fleet.query import compile_query
from calmtui.logs.local import STDIN, LocalLogs
from calmtui.providers.base import LogRequest
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.logs import LogsScreen
from calmtui.tui.start import run, run_console


def run_logs(chosen: Settings, query: str, request: LogRequest, wait: float) -> int:
    """Run the console, the log of what a query selects in front once the sources have answered, or `wait` seconds on.

    Returns what to exit with. Raises QueryError, and what `run_console` does.
    """

    async def show(app: CalmApp) -> None:
        matches = compile_query(query, around(app.live))
        await app.live.gatherer.settled(wait)

        def fitting() -> list[Node]:
            return sorted((node for node in matches.among(app.live.fleet) if "logs" in node.offers), key=_id)

        if nodes := fitting():
            await app.push_screen(LogsScreen(app.live, nodes, request, fitting))
        else:
            app.say(f"none of the nodes that match {query!r} offers logs", trouble=True)

    return run_console(chosen, show)


def _id(node: Node) -> str:
    return node.id


def run_file_logs(chosen: Settings, words: Sequence[str], request: LogRequest, *, rotated: bool) -> int:
    """Run the log screen alone on files of this machine; `-` is what is piped in. Returns what to exit with.

    Raises UsageError for words that are no files, CalmError without a terminal, and what `run` does.
    """
    files = LocalLogs(words, rotated=rotated, piped=_aside() if STDIN in words else 0)
    live = files.live()
    screen = LogsScreen(live, files.nodes, request)
    return run(CalmApp(live, read_only=True, rebound=chosen.keys, theme=chosen.theme, first=screen), chosen)


def _aside() -> int:
    """Make room for the keys of the terminal on standard input; the descriptor of what was there."""
    if os.isatty(0):
        raise UsageError(
            "nothing is piped in", where=STDIN, next_step="pipe something: dmesg | calmtui logs - --screen"
        )
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise CalmError(f"there is no terminal for the keys: {error.strerror}", where="/dev/tty") from error
    piped = os.dup(0)
    os.dup2(terminal, 0)
    os.close(terminal)
    return piped
