"""`calmtui ls`: the nodes, once every source has answered or failed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli import options
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings

if TYPE_CHECKING:
    from calmtui.fleet.node import Node
    from calmtui.fleet.source import SourceStatus

SHOWN = ("id", "kind", "name", "source", "parent", "state", "raw_state", "labels", "addresses", "image", "env",
         "service", "region", "created", "restarts", "reason")  # fmt: skip
"""The fields of a node in JSON, in this order; scripts may rely on them."""


def ls(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="Words that a node must hold, and key=value; none: every node.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Nodes and sources as JSON.")] = False,
    wait: options.Wait = 30.0,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="As it was then, from what consoles recorded: 03:12, 10m, an ISO time.")
    ] = "",
) -> None:
    """List the nodes, once every source has answered or failed; or those of a past moment, asking no source."""
    if at:
        from calmtui.cli.ls_at import ls_at

        raise typer.Exit(ls_at(settings(context), query, at, as_json=as_json))
    raise typer.Exit(asyncio.run(_ls(settings(context), query, as_json=as_json, wait=wait)))


async def _ls(chosen: Settings, query: str, *, as_json: bool, wait: float) -> int:
    from calmtui.cli.opened import opened
    from calmtui.cli.printing import out_json

    async with opened(chosen, wait, query) as estate:
        nodes = estate.select(query)
        sources = list(estate.live.fleet.sources.values())
        if as_json:
            out_json({"nodes": list(map(node_json, nodes)), "sources": list(map(_source_json, sources))})
        elif nodes:
            table(nodes, time.time())
        else:
            say(f"no node matches {query!r}" if query else _nothing(sources))
        return ExitCode.FAILED if estate.failed or estate.partial else ExitCode.FINE


def node_json(node: Node) -> dict[str, Any]:
    """A node as scripts get it."""
    return {name: getattr(node, name) for name in SHOWN}


def _source_json(status: SourceStatus) -> dict[str, Any]:
    return {"name": status.name, "kind": status.kind, "state": status.health, "error": status.error,
            "nodes": status.nodes, "took_ms": status.took_ms}  # fmt: skip


def _nothing(sources: list[SourceStatus]) -> str:
    return "no source has any node" if sources else "there are no sources; `calmtui doctor` says what there could be"


def table(nodes: list[Node], now: float) -> None:
    """Print nodes in columns; ages are counted from `now`, seconds since the epoch."""
    from calmtui.cli.printing import STATE_STYLES, age, out_table

    out_table(
        ("STATE", "NAME", "KIND", "ENV", "AGE", "ID", "NOTE"),
        [
            [
                (node.state.value, STATE_STYLES[node.state]), (node.name, ""), (node.kind, "quiet"), (node.env, ""),
                (age(now - node.created) if node.created else "", "quiet"), (node.id, "quiet"), (node.reason, ""),
            ]
            for node in nodes
        ],
    )  # fmt: skip
