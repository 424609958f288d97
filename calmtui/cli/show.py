"""`calmtui show`: one node, described."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli import options
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings

if TYPE_CHECKING:
    from calmtui.cli.opened import Opened
    from calmtui.fleet.node import Node


def show(
    context: typer.Context,
    node: Annotated[str, typer.Argument(metavar="ID", help="A node's id, or a query that one node matches.")],
    as_json: Annotated[bool, typer.Option("--json", help="The node and its description as JSON.")] = False,
    wait: options.Wait = 30.0,
) -> None:
    """Describe one node, as its source has it; secrets are masked."""
    raise typer.Exit(asyncio.run(_show(settings(context), node, as_json=as_json, wait=wait)))


async def _show(chosen: Settings, wanted: str, *, as_json: bool, wait: float) -> int:
    from calmtui.cli.ls import node_json
    from calmtui.cli.opened import opened
    from calmtui.cli.printing import out_json

    async with opened(chosen, wait) as estate:
        node = estate.exactly_one(wanted)
        described, failed = await _described(estate, node)
        if as_json:
            out_json({"node": node_json(node), "facts": node.facts, "described": described})
        else:
            _print(node, described)
        return ExitCode.FAILED if failed else ExitCode.FINE


async def _described(estate: Opened, node: Node) -> tuple[Any, bool]:
    """The description, safe for a terminal, and whether asking for it failed. A node that offers none has None."""
    from calmtui import sanitise
    from calmtui.providers.base import Describe, SourceError

    source = estate.live.able(node, Describe)
    if source is None:
        return None, False
    try:
        return sanitise.deep(await source.describe(node)), False
    except SourceError as error:  # what the fleet knows of it is shown all the same
        say(f"calmtui: {error}")
        return None, True


def _print(node: Node, described: Any) -> None:
    import yaml

    from calmtui.cli.printing import STATE_STYLES, out, styled

    known = {
        "id": node.id, "kind": node.kind, "env": node.env, "service": node.service, "region": node.region,
        "image": node.image, "addresses": " ".join(node.addresses), **node.facts,
        "labels": " ".join(f"{key}={value}" for key, value in node.labels.items()),
        "actions": " ".join(node.actions), "offers": " ".join(node.offers),
    }  # fmt: skip
    out(
        f"{styled(node.name, 'head')}  {styled(node.state, STATE_STYLES[node.state])}  "
        f"{' '.join(text for text in (node.raw_state, node.reason) if text)}".rstrip()
    )
    width = max(map(len, known))
    for name, value in known.items():
        if value:
            out(f"{styled(name.ljust(width), 'quiet')}  {value}")
    if described:
        text = yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=10_000)
        out(f"\n{text.rstrip()}")
