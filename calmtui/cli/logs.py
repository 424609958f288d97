"""`calmtui logs`: the logs of the nodes that a query selects, as one, in the order of time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from calmtui.cli import options
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import CalmError, UsageError

if TYPE_CHECKING:
    from calmtui.estate.live import LiveEstate
    from calmtui.fleet.node import Node
    from calmtui.logs.follow import Follower
    from calmtui.logs.line import LogLine
    from calmtui.providers.base import LogRequest

TICK = 0.1
"""Seconds between two writes while following."""
_OF_GREP = {
    "until": "until", "context_lines": "context", "ignore_case": "ignore-case", "fixed": "fixed", "count": "count",
    "most": "max", "limit": "limit",
}  # fmt: skip
"""Options that mean something with --grep only, by the parameter that takes them."""
SOURCE_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
"""SGR parameters of the nodes' names."""


def logs(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUERY|FILE…|-", help="Which nodes, or files of this machine.")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Stay, and print what comes.")] = False,
    tail: Annotated[int, typer.Option(min=0, metavar="N", help="So many of the newest lines of each stream.")] = 100,
    since: Annotated[str, typer.Option(metavar="T", help="Nothing older: 10m, 2h, 03:12 or an ISO time.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    expression: Annotated[
        str, typer.Option("--grep", metavar="RE", help="Search what is there, at the source; RE2 syntax.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="T", help="With --grep: nothing from then on.")] = "",
    context_lines: Annotated[
        int, typer.Option("--context", "-C", min=0, max=1000, metavar="N", help="With --grep: lines beside each match.")
    ] = 0,
    ignore_case: Annotated[bool, typer.Option("-i", "--ignore-case", help="With --grep.")] = False,
    fixed: Annotated[bool, typer.Option("--fixed", help="With --grep: a text, not an expression.")] = False,
    count: Annotated[bool, typer.Option("--count", help="With --grep: how many, not which.")] = False,
    most: Annotated[
        int, typer.Option("--max", min=1, metavar="N", help="With --grep: matches shown of a node.")
    ] = 1000,
    limit: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="With --grep: how long to search each node.")
    ] = 60.0,
    patterns: Annotated[bool, typer.Option("--patterns", help="Fold the lines to what they say; with counts.")] = False,
    rotated: Annotated[bool, typer.Option("--rotated", help="Of files: rotated and packed siblings, too.")] = False,
    command: Annotated[
        str, typer.Option(metavar="LINE", help="What this prints on each node, as it comes, in place of its log.")
    ] = "",
    screen: Annotated[bool, typer.Option("--screen", help="In the console's log screen, and stay.")] = False,
    wait: options.Wait = 30.0,
) -> None:
    """Print the logs of the nodes that a query selects, or of files, merged in the order of time.

    Words that are files on this machine, begin like a path (/, ./, ../, ~/) or end in .log, .gz, .bz2 or .xz are
    read as files, and - is standard input; anything else is a query.
    """
    from calmtui.fleet.moment import moment
    from calmtui.logs.local import LocalLogs, are_files
    from calmtui.logs.search import clock
    from calmtui.providers.base import LogRequest

    begin = moment(since, time.time(), where="--since") if since else None
    files = LocalLogs(words, rotated=rotated) if are_files(words) else None
    query = words[0]
    if screen and (expression or command or patterns or as_json):
        raise UsageError("the screen searches, folds and saves by its keys", where="--screen", next_step="? lists them")
    if expression and files:
        raise UsageError("--grep searches the nodes of a query; grep knows files", where=query)
    if expression:
        from calmtui.cli.grep import grep
        from calmtui.logs.asking import Asked

        if follow:
            raise UsageError("--grep searches what is there, -f waits for what comes", next_step="leave one out")
        if patterns:
            raise UsageError(
                "--grep prints what it finds as it comes, --patterns folds a whole log", next_step="leave one out"
            )
        end = moment(until, time.time(), where="--until") if until else None
        asked = Asked(expression, fixed, ignore_case, begin, end, context_lines, most, limit)
        searching = grep(settings(context), query, asked, count=count, as_json=as_json, wait=wait)
        raise typer.Exit(asyncio.run(searching))
    if typed := [option for name, option in _OF_GREP.items() if _given(context, name)]:
        raise UsageError(f"--{typed[0]} goes with --grep", next_step="say what to look for")
    if command:
        if files or follow or patterns:
            raise UsageError("--command is followed as it runs", next_step="give a query and the command alone")
        raise typer.Exit(asyncio.run(_command(settings(context), query, command, as_json=as_json, wait=wait)))
    if patterns and follow:
        raise UsageError("--patterns folds what is there, -f waits for what comes", next_step="leave one out")
    # Who says from when means all of it, unless a number is given as well.
    unlimited = (begin is not None or rotated or words == ["-"]) and not _given(context, "tail")
    request = LogRequest(tail=None if unlimited else tail, since=begin, follow=follow, clock=clock)
    if screen:
        whole = unlimited or (files is not None and not _given(context, "tail"))
        shown = LogRequest(tail=None if whole else tail, since=begin, follow=True, clock=clock)
        raise typer.Exit(_screen(settings(context), words, shown, rotated=rotated, wait=wait))
    if files:
        printing = print_logs(files.live(), files.nodes, request, as_json=as_json, out=sys.stdout, patterns=patterns)
        raise typer.Exit(asyncio.run(printing))
    raise typer.Exit(
        asyncio.run(_logs(settings(context), query, request, as_json=as_json, patterns=patterns, wait=wait))
    )


def _screen(chosen: Settings, words: Sequence[str], request: LogRequest, *, rotated: bool, wait: float) -> int:
    from calmtui.logs.local import are_files
    from calmtui.tui.start_logs import run_file_logs, run_logs  # textual is not needed by the commands

    if are_files(words):
        return run_file_logs(chosen, words, request, rotated=rotated)
    return run_logs(chosen, words[0], request, wait)


def _given(context: typer.Context, name: str) -> bool:
    """Whether an option was typed."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


async def _logs(
    chosen: Settings, query: str, request: LogRequest, *, as_json: bool, patterns: bool, wait: float
) -> int:
    from calmtui.cli.opened import opened

    async with opened(chosen, wait) as estate:
        found = estate.one_or_more(query)

        def fitting() -> list[Node]:
            return [node for node in estate.select(query) if "logs" in node.offers]

        nodes = fitting()
        if not nodes:
            raise CalmError(f"none of the {len(found)} nodes that match {query!r} offers logs")
        status = await print_logs(
            estate.live, nodes, request, as_json=as_json, out=sys.stdout, patterns=patterns, fitting=fitting
        )
        return ExitCode.FAILED if estate.failed else status


async def _command(chosen: Settings, query: str, line: str, *, as_json: bool, wait: float) -> int:
    """Print what a command says on the nodes, merged, until it has ended everywhere."""
    from calmtui.actions.gate import Gate
    from calmtui.cli.opened import opened
    from calmtui.logs.command import CommandLogs
    from calmtui.providers.base import LogRequest

    async with opened(chosen, wait, query) as estate:
        source = CommandLogs(estate.live, estate.one_or_more(query), line)
        for note in source.notes:
            say(f"calmtui: {note}")
        if not source.nodes:
            raise CalmError(f"none of the nodes that match {query!r} runs commands")
        request = LogRequest(tail=None, follow=True)
        gate = Gate(estate.live, read_only=chosen.read_only, through="command", interactive=sys.stdin.isatty())
        async with await gate.admit(source.deed):
            status = await print_logs(source.live(), source.nodes, request, as_json=as_json, out=sys.stdout)
        return ExitCode.FAILED if estate.failed else status


async def print_logs(
    live: LiveEstate,
    nodes: Sequence[Node],
    request: LogRequest,
    *,
    as_json: bool,
    out: TextIO,
    patterns: bool = False,
    fitting: Callable[[], Iterable[Node]] | None = None,
) -> int:
    """Print the nodes' logs until they end; following, until cancelled. Notes and errors go to stderr.

    With `patterns` what the lines say is printed once they have ended, and how often. `fitting`: the nodes that are
    meant now; following, those that come to be meant join.

    Returns what to exit with: FAILED when a node's log could not be read.
    """
    from calmtui.logs.follow import Follower, Reading
    from calmtui.logs.joining import Joining
    from calmtui.logs.line import Note
    from calmtui.logs.selection import readable

    async with Follower(live, readable(live.fleet, nodes), request) as follower:
        printer = _Printer(follower, out, as_json=as_json)
        if request.follow:
            await follower.begun(timeout=1.5)
            with closing(Joining(live.fleet, follower, fitting or (lambda: nodes))) as joining:
                while not follower.ended:
                    printer.write(follower.take(time.time_ns()))
                    await asyncio.sleep(0 if follower.merger.more else TICK)
                    joining.look(time.monotonic())
            printer.write(follower.merger.rest())
        else:
            lines = await follower.collect()
            if patterns:
                from calmtui.cli.patterns import print_patterns

                printer.write(line for line in lines if isinstance(line, Note))
                print_patterns(lines, as_json=as_json)
            else:
                printer.write(lines)
        return ExitCode.FAILED if follower.count(Reading.FAILED) else ExitCode.FINE


class _Printer:
    """Writes lines as people or as programs want them."""

    def __init__(self, follower: Follower, out: TextIO, *, as_json: bool) -> None:
        from calmtui.cli.printing import coloured
        from calmtui.logs.colours import Colours
        from calmtui.logs.naming import Names

        self._out = out
        self._as_json = as_json
        self._names = Names(follower)
        self._coloured = coloured() and out is sys.stdout
        self._colours = Colours(len(SOURCE_COLOURS))

    def write(self, lines: Iterable[LogLine]) -> None:
        from calmtui.logs.line import Note

        printed = []
        for line in lines:
            if isinstance(line, Note):
                say(f"calmtui: {self._names(line)}: {line.text}")
            else:
                printed.append(self._one(line))
        if printed:
            self._out.write("\n".join(printed) + "\n")
            self._out.flush()

    def _one(self, line: LogLine) -> str:
        from calmtui.logs.output import as_json, as_text

        if self._as_json:
            return as_json(line)
        name = self._names(line)
        if self._coloured:
            name = f"\x1b[{SOURCE_COLOURS[self._colours.index(line.origin.node_id)]}m{name}\x1b[0m"
        return as_text(line, name)
