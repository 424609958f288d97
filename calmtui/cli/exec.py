"""`calmtui exec`: a command on every node that a query selects; each line behind the name of its node."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import CalmError, Refused

if TYPE_CHECKING:
    from calmtui.actions.outcome import Outcome
    from calmtui.cli.opened import Opened
    from calmtui.fleet.node import Node, NodeId


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
    as_json: Annotated[bool, typer.Option("--json", help="Output and exit status of each node as JSON.")] = False,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="For each node; none: no limit.")] = None,
    parallel: Annotated[int, typer.Option(min=1, metavar="N", help="How many nodes at once.")] = 64,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for the sources.")] = 30.0,
) -> None:
    """Run a command on every node that a query selects."""
    if settings(context).read_only:
        raise Refused(
            "a command is refused: calmtui runs read-only", next_step="start it without --read-only to run commands"
        )
    work = _exec(settings(context), query, command, as_json=as_json, timeout=timeout, parallel=parallel, wait=wait)
    raise typer.Exit(asyncio.run(work))


async def _exec(
    chosen: Settings, query: str, words: list[str], *, as_json: bool, timeout: float | None, parallel: int, wait: float
) -> int:
    from calmtui.actions.commands import command
    from calmtui.actions.execute import all_ok
    from calmtui.actions.outcome import names
    from calmtui.cli.opened import opened
    from calmtui.cli.printing import out_json

    async with opened(chosen, wait, query) as estate:
        nodes = _takes_commands(estate, query)
        execution = command(estate.live, nodes, words, read_only=chosen.read_only, parallel=parallel, timeout=timeout)
        if not as_json:
            called = names(nodes)
            execution.subscribe(lambda outcome: _print(outcome, called))
        try:
            await execution.run()
        finally:  # interrupted too: what was done must be known
            if as_json:
                out_json({"command": words, "outcomes": list(map(_json, execution.outcomes.values()))})
        fine = all_ok(list(execution.outcomes.values())) and not estate.failed
        return ExitCode.FINE if fine else ExitCode.FAILED


def _takes_commands(estate: Opened, query: str) -> list[Node]:
    """The selected nodes for which a command can run, one for each place where it runs.

    What else the query selects (units, namespaces) is passed over.
    """
    from calmtui.actions.commands import refusal, runs_at

    found = estate.one_or_more(query)
    at: dict[NodeId, Node] = {}
    """By the id of where it runs."""
    for node in sorted(found, key=lambda node: "exec" not in node.offers):  # a host before the instance that it is
        place = runs_at(estate.live, node)
        if place is not None and place.id in at:
            say(f"calmtui: {node.id} is the host {place.name}, where the command runs once")
        elif place is not None:
            at[place.id] = node
            if place is not node:
                say(f"calmtui: on {node.id} it runs through the host {place.name}")
    if not at:
        first = found[0]
        why = refusal(estate.live, first)
        raise CalmError(f"none of the {len(found)} nodes that match {query!r} runs commands: {first.name}: {why}")
    return sorted(at.values(), key=lambda node: node.id)


def _print(outcome: Outcome, called: Mapping[NodeId, str]) -> None:
    """Its output to stdout and stderr as the node wrote it, and what went wrong to stderr."""
    from calmtui.actions.commands import lines
    from calmtui.actions.outcome import Status
    from calmtui.cli.printing import out, styled

    name = called[outcome.node.id]
    if outcome.result is not None:
        if printed := lines(outcome.result.stdout):
            out("\n".join(f"{styled(f'{name}:', 'quiet')} {line}" for line in printed))
        for line in lines(outcome.result.stderr):
            say(f"{name}: {line}")
        if outcome.result.exit_status:
            say(f"{name}: exit {outcome.result.exit_status}")
            return
    if outcome.status.final and outcome.status is not Status.OK:
        say(f"{name}: {outcome.status}: {outcome.detail}")


def _json(outcome: Outcome) -> dict[str, Any]:
    from calmtui.cli.act import outcome_json

    result = outcome.result
    return {
        **outcome_json(outcome),
        "exit_status": result.exit_status if result else None,
        "stdout": result.stdout.decode(errors="replace") if result else "",
        "stderr": result.stderr.decode(errors="replace") if result else "",
    }
