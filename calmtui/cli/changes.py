"""`calmtui changes`: what changed in the estate, from what consoles have recorded."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import settings

if TYPE_CHECKING:
    from calmtui.fleet.history import Record
    from calmtui.fleet.node import Node


def changes(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="Which nodes; none: all of them.")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back: 30m, 2h, 03:12 or an ISO time.")] = "1h",
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At the most so many, the newest.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with what was before and after.")] = False,
) -> None:
    """Tell what changed, oldest first. The first bad change of each node is marked."""
    from calmtui.estate import find
    from calmtui.fleet.moment import moment
    from calmtui.store import changes as stored
    from calmtui.store import last_fleet

    inventory = settings(context).inventory
    estate = find.key_of(find.estate_file(inventory)) if inventory else find.DISCOVERED
    begin = moment(since, time.time(), where="--since")
    nodes, _ = last_fleet.load(estate)
    records = _selected(query, stored.load(estate, since=begin), {node.id: node for node in nodes})[-limit:]
    beginnings = stored.first_at(estate)
    if as_json:
        _print_json(records, beginnings)
    else:
        _print_table(records)
        _say_what_is_unknown(begin, beginnings)
    raise typer.Exit(ExitCode.FINE)


def _selected(query: str, records: list[Record], nodes: dict[str, Node]) -> list[Record]:
    """The records of nodes that a query selects, as they are now or as they last were."""
    import msgspec

    from calmtui.fleet.node import Node
    from calmtui.fleet.query import compile_query

    chosen = compile_query(query)

    def selects(entry: Record) -> bool:
        node = nodes.get(entry.node)
        if node is None:
            node = msgspec.convert({"id": entry.node, "kind": entry.node_kind, "name": entry.name,
                                    "source": entry.source} | entry.after | entry.before, Node)  # fmt: skip
        return chosen(node)

    return [entry for entry in records if selects(entry)]


def _print_json(records: list[Record], beginnings: dict[str, float]) -> None:
    from calmtui.cli.printing import out_json

    out_json({"changes": list(map(_as_json, records)), "history_begins": beginnings})


def _as_json(entry: Record) -> dict[str, Any]:
    return {"at": entry.at, "not_before": entry.not_before, "source": entry.source, "node": entry.node,
            "name": entry.name, "kind": entry.node_kind, "change": entry.kind, "before": entry.before,
            "after": entry.after, "bad": entry.bad, "summary": entry.summary()}  # fmt: skip


def _print_table(records: list[Record]) -> None:
    from calmtui.cli.printing import Cell, out_table

    rows: list[list[Cell]] = []
    seen: set[str] = set()
    for entry in records:
        first_bad = entry.bad and entry.node not in seen
        if entry.bad:
            seen.add(entry.node)
        style = "trouble" if entry.bad else ""
        sign = "✖ first" if first_bad else "✖" if entry.bad else ""
        rows.append([(_when(entry), ""), (sign, style), (entry.name, ""), (entry.node_kind, "quiet"),
                     (entry.source, "quiet"), (entry.summary(), style)])  # fmt: skip
    if rows:
        out_table(("TIME", "BAD", "NAME", "KIND", "SOURCE", "WHAT"), rows)


def _when(entry: Record) -> str:
    stamp = datetime.fromtimestamp(entry.at).astimezone().isoformat(" ", "seconds")
    return f"{stamp} (or up to {_age(entry.at - entry.not_before)} earlier)" if entry.not_before else stamp


def _age(seconds: float) -> str:
    from calmtui.cli.printing import age

    return age(seconds)


def _say_what_is_unknown(begin: float, beginnings: dict[str, float]) -> None:
    late = {source: at for source, at in beginnings.items() if at > begin}
    for source, at in sorted(late.items()):
        stamp = datetime.fromtimestamp(at).astimezone().isoformat(" ", "seconds")
        say(f"calmtui: source {source}: nothing is known before {stamp}")
    if not beginnings:
        say("calmtui: nothing was recorded of this estate yet; changes are recorded while a console is open")
