"""A command on many nodes: the same execution and outcomes as any action, with each node's output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from calmtui import sanitise
from calmtui.actions.execute import Execution, refuse_read_only, unopened
from calmtui.actions.outcome import Status
from calmtui.estate.live import LiveEstate
from calmtui.fleet.link_index import MACHINES
from calmtui.fleet.node import Node
from calmtui.providers.base import Exec, ExecResult

EXEC_PARALLEL = 64
"""How many nodes run a command at once unless told otherwise, as ClusterShell's fanout."""


def command(
    live: LiveEstate,
    nodes: Iterable[Node],
    words: Sequence[str],
    *,
    read_only: bool,
    parallel: int = EXEC_PARALLEL,
    timeout: float | None = None,
) -> Execution:
    """The execution of a command, not yet begun; `timeout` is seconds for each node.

    `words` is as `Exec.run` takes it: one is a line for the node's shell, several are arguments.
    An exit status other than 0 is a failure. A node may stand for another where it runs, see
    `runs_at`; the outcome says so. Raises Refused in read-only mode: what a command changes cannot
    be known.
    """
    refuse_read_only(live, "a command", read_only=read_only)

    async def do(node: Node) -> tuple[Status, str, ExecResult]:
        place = runs_at(live, node) or node
        source = live.able(place, Exec)
        if source is None:
            raise unopened(live, place)
        result = await source.run(place, words, timeout=timeout)
        through = "" if place is node else f"through host {place.name}"
        detail = ": ".join(filter(None, (through, summary(result))))
        return (Status.OK if result.exit_status == 0 else Status.FAILED), detail, result

    return Execution(live, " ".join(words), nodes, do, refuses=lambda node: refusal(live, node), parallel=parallel)


def runs_at(live: LiveEstate, node: Node) -> Node | None:
    """Where a command for a node runs: there, or on the SSH host that a machine surely is; None: nowhere."""
    if "exec" in node.offers:
        return node
    link = live.links.host_of(node)
    return link.node if link is not None and not link.guess and "exec" in link.node.offers else None


def refusal(live: LiveEstate, node: Node) -> str:
    """Why a command cannot be run for a node; empty when it can."""
    if runs_at(live, node) is not None:
        return ""
    link = live.links.host_of(node)
    if link is not None and link.guess:
        return f"host {link.node.name} may be it, which is a guess ({link.why}): name {link.node.id} if you know it is"
    missing = "; no SSH host of the estate is known to be it" if node.kind in MACHINES else ""
    return f"no command can be run on it ({node.kind}, {node.state}){missing}"


def summary(result: ExecResult) -> str:
    """The end of the output in a few words: `exit 1: port 8080 in use`."""
    last = _last_line(result.stderr) or _last_line(result.stdout) if result.exit_status else _last_line(result.stdout)
    if result.exit_status == 0:
        return last
    ended = result.note or "ended by a signal" if result.exit_status is None else f"exit {result.exit_status}"
    return f"{ended}: {last}" if last else ended


def lines(output: bytes) -> list[str]:
    """Output as lines that are safe for a terminal; what is no UTF-8 becomes a visible symbol."""
    text = output.decode(errors="replace").removesuffix("\n")
    return [sanitise.line(line.removesuffix("\r")) for line in text.split("\n")] if text else []


def _last_line(output: bytes) -> str:
    kept = [line for line in lines(output[-4096:]) if line.strip()]
    return kept[-1].strip() if kept else ""
