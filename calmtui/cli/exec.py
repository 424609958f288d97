"""`calmtui exec`: a command on every node that a query selects, as it comes or gathered."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from calmtui.cli import asking, options
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import CalmError, UsageError

if TYPE_CHECKING:
    from calmtui.actions.commands import Fanout, Limits
    from calmtui.cli.opened import Opened
    from calmtui.fleet.node import Node
    from calmtui.providers.base import Command

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def exec_(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="Which nodes.")],
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="-- COMMAND…",
            help="One word is a line for the node's shell; several are passed as they are.",
        ),
    ],
    gather: Annotated[
        bool, typer.Option("-b", "--gather", help="The same output once, with the nodes that gave it.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Gathered; others as they differ from the majority.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Output and exit status of each node as JSON.")] = False,
    parallel: options.Parallel = 64,
    batches: options.Batches = "",
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="For the command on each node; none: no limit.")
    ] = None,
    connect_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="To reach each node; none: as its source says.")
    ] = None,
    max_failed: options.MaxFailed = "",
    max_failed_in_batch: options.MaxFailedInBatch = "",
    min_healthy: options.MinHealthy = "",
    retries: Annotated[int, typer.Option(min=0, metavar="N", help="So often again on those that failed.")] = 0,
    stdin: Annotated[str, typer.Option(metavar="FILE", help="Input for every node; - is what is piped in.")] = "",
    env: Annotated[list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="For the command.")] = None,
    sudo: Annotated[bool, typer.Option("--sudo", help="As root; a password is asked for once, and not kept.")] = False,
    reason: options.Reason = "",
    ask_approval: options.AskApproval = False,
    break_glass: options.BreakGlass = False,
    mark_failed: Annotated[bool, typer.Option("--mark-failed", help="Mark in the console those that failed.")] = False,
    wait: options.Wait = 30.0,
) -> None:
    """Run a command on every node that a query selects."""
    from calmtui.actions import batches as read_batches
    from calmtui.actions.commands import Limits

    limits = Limits(parallel, read_batches.read(batches) if batches else (), max_failed, max_failed_in_batch,
                    min_healthy, connect_timeout, timeout, retries)  # fmt: skip
    form = "json" if as_json else "diff" if diff else "gathered" if gather else "lines"
    work = _exec(
        settings(context), query, _Wanted(tuple(command), stdin, _environment(env or []), sudo), limits,
        asking.Why(reason, break_glass, ask_approval), form=form, mark_failed=mark_failed, wait=wait,
    )  # fmt: skip
    raise typer.Exit(asyncio.run(work))


class _Wanted:
    """The command as it was typed; `command` asks for the password where one is wanted."""

    def __init__(self, words: tuple[str, ...], stdin: str, environment: dict[str, str], sudo: bool) -> None:
        self.words = words
        self._environment = environment
        self._sudo = sudo
        self._stdin: bytes | Path = b""
        if stdin == "-":
            self._stdin = sys.stdin.buffer.read()
        elif stdin:
            self._stdin = Path(stdin)
            if not self._stdin.is_file():
                raise UsageError(f"there is no file {stdin}", next_step="--stdin - takes what is piped in")

    def command(self, estate: Opened) -> Command:
        from calmtui.actions.commands import asked_once
        from calmtui.providers.base import Command

        ask = asked_once(estate.ask) if self._sudo else None
        return Command(self.words, self._stdin, self._environment, ask)


def _environment(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if not _NAME.fullmatch(pair.partition("=")[0]) or "=" not in pair:
            raise UsageError("--env wants NAME=VALUE", next_step="the name is letters, digits and underscores")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


async def _exec(
    chosen: Settings, query: str, wanted: _Wanted, limits: Limits, why: asking.Why, *,
    form: str, mark_failed: bool, wait: float,
) -> int:  # fmt: skip
    from calmtui.actions.commands import Fanout, command_deed
    from calmtui.actions.execute import all_ok
    from calmtui.actions.gate import Gate
    from calmtui.cli.opened import opened
    from calmtui.cli.outputs import Printer

    async with opened(chosen, wait, query) as estate:
        gate = Gate(estate.live, read_only=chosen.read_only, through="command", interactive=sys.stdin.isatty())
        if gate.read_only:  # before anything else is said of the nodes
            await gate.admit(command_deed(estate.one_or_more(query), wanted.words))
        nodes = _takes_commands(estate, query)
        fanout = Fanout(gate, nodes, wanted.command(estate), limits)
        if why.ask_approval:
            return await asking.ask_approval(gate, fanout.deed(), why.reason, as_json=form == "json")
        await fanout.admit(break_glass=why.break_glass, reason=why.reason)
        printer = Printer(fanout, form)
        try:
            await fanout.run()
        finally:  # interrupted too: what was done must be known
            printer.end()
            _remember(estate, fanout, query)
            if mark_failed:
                _mark(estate, fanout)
        fine = all_ok(list(fanout.execution.outcomes.values())) and not estate.failed
        return ExitCode.FINE if fine else ExitCode.FAILED


def _takes_commands(estate: Opened, query: str) -> list[Node]:
    """The selected nodes for which a command can run, one for each place where it runs."""
    from calmtui.actions.commands import places, refusal

    found = estate.one_or_more(query)
    nodes, notes = places(estate.live, found)
    for note in notes:
        say(f"calmtui: {note}")
    if not nodes:
        first = found[0]
        why = refusal(estate.live, first)
        raise CalmError(f"none of the {len(found)} nodes that match {query!r} runs commands: {first.name}: {why}")
    return nodes


def _remember(estate: Opened, fanout: Fanout, query: str) -> None:
    """Put the command into the history; that it cannot be is said, and harms nothing else."""
    from calmtui.estate import find
    from calmtui.governance.identity import me
    from calmtui.store.commands import Ran, add
    from calmtui.store.database import StoreError

    execution = fanout.execution
    words = join(fanout.command.words) if len(fanout.command.words) > 1 else fanout.command.words[0]
    ran = Ran(execution.began or 0.0, me().name, words, query, len(execution.outcomes), fanout.counts())
    try:
        add(find.key(estate.live.estate), ran)
    except StoreError as error:
        say(f"calmtui: the command is not in the history: {error}")


def _mark(estate: Opened, fanout: Fanout) -> None:
    """Mark those that failed, and no others, for the console."""
    from calmtui.actions.outcome import Status
    from calmtui.estate import find
    from calmtui.store import marks

    failed = [node.id for node in fanout.execution.having(Status.FAILED, Status.UNKNOWN)]
    marks.save(find.key(estate.live.estate), failed)
    say(f"calmtui: {len(failed)} marked in the console")
