"""`calmtui cp put` and `cp get`: files and folders to and from every node that a query selects."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calmtui.cli import asking, options
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import CalmError

if TYPE_CHECKING:
    from calmtui.actions.copy import Moved
    from calmtui.actions.deed import Deed
    from calmtui.actions.execute import Execution
    from calmtui.estate.live import LiveEstate
    from calmtui.fleet.node import Node, NodeId

cp = typer.Typer(help="Put and get files and folders on many nodes: whole or not at all, checked by SHA-256.")

_QUERY = Annotated[str, typer.Argument(help="Which nodes.")]
_JSON = Annotated[bool, typer.Option("--json", help="The outcomes as JSON.")]


@cp.command("put")
def put_(
    context: typer.Context,
    query: _QUERY,
    source: Annotated[Path, typer.Argument(help="A file or folder on this machine.")],
    target: Annotated[str, typer.Argument(help="Where on each node; within it, where it is a folder.")],
    as_json: _JSON = False,
    parallel: options.Parallel = 64,
    reason: options.Reason = "",
    ask_approval: options.AskApproval = False,
    break_glass: options.BreakGlass = False,
    wait: options.Wait = 30.0,
) -> None:
    """Put a file or folder on every node that a query selects."""
    from calmtui.actions.copy import pack, put, put_deed

    with tempfile.TemporaryDirectory(prefix="calmtui-") as folder:
        packed = pack(source, Path(folder))

        def copying(live: LiveEstate, nodes: list[Node], moved: Moved) -> tuple[Deed, Execution]:
            return put_deed(nodes, packed, target), put(live, nodes, packed, target, moved=moved, parallel=parallel)

        why = asking.Why(reason, break_glass, ask_approval)
        code = asyncio.run(_copy(settings(context), query, copying, packed.size, why, as_json=as_json, wait=wait))
    raise typer.Exit(code)


@cp.command("get")
def get_(
    context: typer.Context,
    query: _QUERY,
    path: Annotated[str, typer.Argument(help="A file or folder on each node.")],
    folder: Annotated[Path, typer.Argument(help="Where here: each node has a folder of its own within.")] = Path(),
    as_json: _JSON = False,
    parallel: options.Parallel = 64,
    reason: options.Reason = "",
    ask_approval: options.AskApproval = False,
    break_glass: options.BreakGlass = False,
    wait: options.Wait = 30.0,
) -> None:
    """Get a file or folder of every node that a query selects, into a folder for each."""
    from calmtui.actions.copy import get, get_deed

    folder.mkdir(parents=True, exist_ok=True)

    def copying(live: LiveEstate, nodes: list[Node], moved: Moved) -> tuple[Deed, Execution]:
        return get_deed(nodes, path), get(live, nodes, path, folder, moved=moved, parallel=parallel)

    why = asking.Why(reason, break_glass, ask_approval)
    raise typer.Exit(asyncio.run(_copy(settings(context), query, copying, None, why, as_json=as_json, wait=wait)))


async def _copy(
    chosen: Settings,
    query: str,
    copying: Callable[[LiveEstate, list[Node], Moved], tuple[Deed, Execution]],
    size: int | None,
    why: asking.Why,
    *,
    as_json: bool,
    wait: float,
) -> int:
    """Copy, tell how far it is on a terminal, and what became of each node. `size` is what each node gets, if known."""
    from calmtui.actions.commands import places, refusal
    from calmtui.actions.execute import all_ok
    from calmtui.actions.gate import Gate
    from calmtui.cli.act import outcome_json, print_outcome
    from calmtui.cli.opened import opened
    from calmtui.cli.printing import out_json

    async with opened(chosen, wait, query) as estate:
        found = estate.one_or_more(query)
        nodes, notes = places(estate.live, found)
        for note in notes:
            say(f"calmtui: {note}")
        if not nodes:
            raise CalmError(f"files cannot be copied: {found[0].name}: {refusal(estate.live, found[0])}")
        progress = _Progress(len(nodes), size)
        gate = Gate(estate.live, read_only=chosen.read_only, through="command", interactive=sys.stdin.isatty())
        deed, execution = copying(estate.live, nodes, progress.moved)
        if why.ask_approval:
            return await asking.ask_approval(gate, deed, why.reason, as_json=as_json)
        execution.admit(await gate.admit(deed, break_glass=why.break_glass, reason=why.reason))
        try:
            await execution.run()
        finally:  # interrupted too: what was done must be known
            progress.end()
            outcomes = list(execution.outcomes.values())
            if as_json:
                out_json({"action": execution.title, "outcomes": [outcome_json(outcome) for outcome in outcomes]})
            else:
                called = {outcome.node.id: outcome.node.name for outcome in outcomes}
                for outcome in outcomes:
                    print_outcome(outcome, called)
        return ExitCode.FINE if all_ok(outcomes) and not estate.failed else ExitCode.FAILED


class _Progress:
    """A line on a terminal that says how much has been copied."""

    def __init__(self, nodes: int, size: int | None) -> None:
        self._of = f" of {nodes * size / 1e6:,.1f}" if size is not None else ""
        self._bytes = 0
        self._shown = ""

    def moved(self, node_id: NodeId, count: int) -> None:
        """So many more bytes have gone to or come from a node."""
        self._bytes += count
        shown = f"{self._bytes / 1e6:,.1f}{self._of} MB"
        if shown != self._shown and sys.stderr.isatty():
            self._shown = shown
            sys.stderr.write(f"\r\x1b[K{shown}")
            sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
