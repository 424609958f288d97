"""`calmtui changes`: what changed in the estate, from what consoles have recorded."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import settings

if TYPE_CHECKING:
    from calmtui.cli.printing import Cell
    from calmtui.cli.settings import Settings
    from calmtui.fleet.history import Record
    from calmtui.fleet.timeline import Mark


def changes(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="Which nodes; none: all of them.")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back: 30m, 2h, 03:12 or an ISO time.")] = "1h",
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At the most so many, the newest.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with what was before and after.")] = False,
) -> None:
    """Tell what changed, oldest first; where trouble begins is marked."""
    from calmtui.cli.recorded import key
    from calmtui.fleet.moment import moment
    from calmtui.store import changes as stored

    estate = key(settings(context))
    begin = moment(since, time.time(), where="--since")
    records = _selected(settings(context), query, stored.load(estate, since=begin))[-limit:]
    beginnings = stored.first_at(estate)
    if as_json:
        _print_json(records, beginnings)
    else:
        _print_table(records)
        _say_what_is_unknown(begin, beginnings)
    raise typer.Exit(ExitCode.FINE)


def _selected(settings: Settings, query: str, records: list[Record]) -> list[Record]:
    """The changes of nodes that a query selects, as they were last known."""
    from calmtui.cli.recorded import key, unconnected
    from calmtui.estate.around import around
    from calmtui.fleet.fleet import Fleet
    from calmtui.fleet.history import subject
    from calmtui.fleet.query import compile_query
    from calmtui.store import last_fleet

    if not query:
        return records
    fleet = Fleet()
    fleet.restore(*last_fleet.load(key(settings)))
    chosen = compile_query(query, around(unconnected(settings, fleet)))
    return [entry for entry in records if chosen(subject(entry, fleet.nodes))]


def _print_json(records: list[Record], beginnings: dict[str, float]) -> None:
    from calmtui.cli.printing import out_json
    from calmtui.fleet.timeline import Timeline

    out_json({"changes": [_as_json(*marked) for marked in Timeline(records).marked()], "history_begins": beginnings})


def _as_json(entry: Record, mark: Mark) -> dict[str, Any]:
    return {"at": entry.at, "not_before": entry.not_before, "source": entry.source, "node": entry.node,
            "name": entry.name, "kind": entry.node_kind, "change": entry.kind, "before": entry.before,
            "after": entry.after, "bad": entry.bad, "mark": mark, "summary": entry.summary()}  # fmt: skip


def _print_table(records: list[Record]) -> None:
    from calmtui.cli.printing import out_table
    from calmtui.fleet.timeline import Timeline

    rows = [_row(*marked) for marked in Timeline(records).marked()]
    if rows:
        out_table(("TIME", "MARK", "NAME", "KIND", "SOURCE", "WHAT"), rows)


def _row(entry: Record, mark: Mark) -> list[Cell]:
    style = "trouble" if entry.bad else "fine" if mark.well else ""
    return [(_when(entry), ""), (mark, style), (entry.name, ""), (entry.node_kind, "quiet"),
            (entry.source, "quiet"), (entry.summary(), style)]  # fmt: skip


def _when(entry: Record) -> str:
    at = datetime.fromtimestamp(entry.at).astimezone().isoformat(" ", "seconds")
    if entry.not_before is None:
        return at
    return f"between {datetime.fromtimestamp(entry.not_before).astimezone().isoformat(' ', 'seconds')} and {at}"


def _say_what_is_unknown(begin: float, beginnings: dict[str, float]) -> None:
    late = {source: at for source, at in beginnings.items() if at > begin}
    for source, at in sorted(late.items()):
        stamp = datetime.fromtimestamp(at).astimezone().isoformat(" ", "seconds")
        say(f"calmtui: source {source}: nothing is known before {stamp}")
    if not beginnings:
        say("calmtui: nothing was recorded of this estate yet; changes are recorded while a console is open")
