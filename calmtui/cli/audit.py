"""`calmtui audit`: who did what, when and on which nodes; and whether that record is still what was written."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings

if TYPE_CHECKING:
    from calmtui.cli.printing import Cell
    from calmtui.governance.record import Record, Verdict
    from calmtui.governance.trail import Sealed
    from calmtui.store.ledger import Place

audit = typer.Typer(invoke_without_command=True, help="Who did what: the audit trail, its export and its verification.")

COLUMNS = {"TIME": 25, "WHO": 10, "EVENT": 11, "STATUS": 9, "ACTION": 10, "NODES": 24, "DETAIL": 0}
"""What a line tells, and how wide it is at least while following."""

TICK = 0.5
"""Seconds between two looks while following."""


@audit.callback()
def show(
    context: typer.Context,
    since: Annotated[str, typer.Option(metavar="TIME", help="How far back: 30m, 2h, 03:12 or an ISO time.")] = "1d",
    user: Annotated[str, typer.Option(metavar="NAME", help="Only what this person did.")] = "",
    event: Annotated[str, typer.Option(metavar="EVENT", help="Only intent, outcome, denied, shell, approved…")] = "",
    node: Annotated[str, typer.Option(metavar="TEXT", help="Only records of nodes whose id holds this.")] = "",
    plan: Annotated[str, typer.Option(metavar="HASH", help="Only records of this plan; a beginning is enough.")] = "",
    words: Annotated[str, typer.Option("--text", metavar="WORDS", help="Only records that say all of these.")] = "",
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many, the newest.")] = 1_000,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Stay, and print what comes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as it was sealed.")] = False,
) -> None:
    """Tell who did what, oldest first."""
    if context.invoked_subcommand is not None:
        return
    from calmtui.cli.printing import out
    from calmtui.fleet.moment import moment
    from calmtui.governance import trail
    from calmtui.governance.sought import sought

    path = _ledger(settings(context))
    begin = moment(since, time.time(), where="--since")
    wanted = sought(user=user, event=event, node=node, plan=plan, words=tuple(words.lower().split()))
    found = trail.read(path, since=begin, limit=limit + 1, sought=wanted)
    if len(found) > limit:
        say(f"calmtui: these are the newest {limit:,}; --limit shows more, --since less far back")
    if not (found or follow or as_json):
        say(f"calmtui: nothing of that was recorded in the last {since}")
    _print(found[-limit:], as_json=as_json)
    last = found[-1].record.seq if found else 0
    while follow:
        time.sleep(TICK)
        found = trail.read(path, since=begin, after=last, sought=wanted)
        last = found[-1].record.seq if found else last
        for item in found:
            out(item.line if as_json else _line(item.record))


@audit.command()
def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to; none: stdout.")] = None,
) -> None:
    """Write the whole trail as lines of JSON; its head goes to stderr, to be noted elsewhere."""
    from calmtui.governance import trail

    path = _ledger(settings(context))
    done = trail.export(path, sys.stdout.write) if file is None else trail.export_to(path, file)
    say(f"{done.records:,} records; head {done.head}")


@audit.command()
def verify(
    context: typer.Context,
    file: Annotated[Path | None, typer.Option(help="An export, in place of the ledger.")] = None,
    key: Annotated[Path | None, typer.Option(help="The key of an export; none: that of the ledger.")] = None,
    head: Annotated[str, typer.Option(metavar="SEAL", help="A seal noted earlier that must still be there.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The verdict as JSON.")] = False,
) -> None:
    """Follow the chain from its first record to its last; exit with 1 and name the first bad record if it is broken."""
    from calmtui.governance import trail
    from calmtui.store.ledger import read_key

    path = _ledger(settings(context))
    if file is None:
        verdict = trail.verify(path, head=head)
    else:
        verdict = trail.verify_export(file, _read(key) if key is not None else read_key(path), head=head)
    _tell(verdict, as_json=as_json)
    raise typer.Exit(ExitCode.FAILED if verdict.bad else ExitCode.FINE)


def _read(key: Path) -> bytes:
    from calmtui.errors import UsageError

    try:
        return key.read_bytes()
    except OSError as error:
        raise UsageError(f"the key cannot be read: {error.strerror}", where=str(key)) from error


def _ledger(chosen: Settings) -> Place:
    from calmtui.estate.load import load_estate
    from calmtui.store import ledger

    estate = load_estate(chosen.inventory) if chosen.inventory else None
    return ledger.of(estate)


def _tell(verdict: Verdict, *, as_json: bool) -> None:
    from calmtui.cli.printing import out, out_json

    if as_json:
        bad = {"seq": verdict.bad.seq, "what": verdict.bad.what} if verdict.bad else None
        out_json({"records": verdict.records, "head": verdict.head, "bad": bad})
    elif verdict.bad:
        out(f"broken at record {verdict.bad.seq}: {verdict.bad.what}; the {verdict.records:,} before it hold")
    else:
        out(f"all {verdict.records:,} records hold; head {verdict.head}")


def _print(found: list[Sealed], *, as_json: bool) -> None:
    from calmtui.cli.printing import out, out_table

    if as_json:
        for item in found:
            out(item.line)
    elif found:
        out_table(tuple(COLUMNS), [_row(item.record) for item in found])


def _line(record: Record) -> str:
    """A record that came while following: the columns stand where they stood before."""
    from calmtui.cli.printing import styled

    cells = zip(_row(record), COLUMNS.values(), strict=True)
    return "  ".join(styled(text.ljust(width), style) for (text, style), width in cells).rstrip()


def _row(record: Record) -> list[Cell]:
    from calmtui.governance.told import local, nodes, said
    from calmtui.sanitise import word

    styles = {"failed": "trouble", "denied": "trouble", "unknown": "warning", "break-glass": "warning", "ok": "fine"}
    return [
        (local(record.at), ""),
        (word(record.who.name), ""),
        (record.event, styles.get(record.event, "")),
        (word(record.status), styles.get(record.status, "")),
        (word(record.action), ""),
        (word(nodes(record.nodes)), "quiet"),
        (word(said(record)), ""),
    ]
