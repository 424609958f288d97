"""Plans that need other people: `approvals`, `approve`, `reject`, `withdraw`; `reviews` of what was done without."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from calmtui.cli.diagnostics import ExitCode
from calmtui.cli.settings import Settings, refuse_read_only, settings

if TYPE_CHECKING:
    from calmtui.estate.model import Estate
    from calmtui.governance.approvals import Approvals, Request
    from calmtui.store.ledger import Place


def approvals(
    context: typer.Context,
    request: Annotated[str, typer.Argument(metavar="[ID]", help="One of them in full; none: the list.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Those that are closed too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with the votes.")] = False,
) -> None:
    """List the plans that wait for approval; with an id, all that is to be known before one approves it."""
    from calmtui.cli.printing import out, out_json
    from calmtui.governance.approvals import LIVE, described
    from calmtui.governance.told import in_full

    now, asked = time.time(), _approvals(_estate(settings(context)))
    found = [asked.one(request)] if request else [one for one in asked.newest() if every or one.standing(now) in LIVE]
    if as_json:
        out_json([described(one, now) for one in found])
    elif request:
        out("\n".join(f"{name.ljust(10)}  {text}" for name, text in in_full(found[0], now)))
    elif not found:
        out("nothing waits for approval")
    else:
        _list(found, now)


def _list(found: list[Request], now: float) -> None:
    from calmtui.cli.printing import out_table
    from calmtui.governance.approvals import Standing, still_needs
    from calmtui.governance.told import clock
    from calmtui.sanitise import word

    out_table(
        ("ID", "STANDING", "ASKED BY", "ASKED AT", "EXPIRES", "PLAN", "WHAT", "NEEDS"),
        [
            [
                (one.id, ""),
                (one.standing(now), "warning" if one.standing(now) is Standing.OPEN else ""),
                (word(one.asked.who.name), ""),
                (clock(one.asked_at), "quiet"),
                (clock(one.expires_at), "quiet"),
                (one.plan[:12], "quiet"),
                (word(one.asked.summary), ""),
                (still_needs(one), ""),
            ]
            for one in found
        ],
    )


def approve(
    context: typer.Context,
    request: Annotated[str, typer.Argument(metavar="ID", help="As `calmtui approvals` lists it.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """Agree to a plan of somebody else's."""
    chosen = settings(context)
    _say(_approvals(_to_change(chosen)).vote(request, approve=True, reason=reason), chosen)


def reject(
    context: typer.Context,
    request: Annotated[str, typer.Argument(metavar="ID", help="As `calmtui approvals` lists it.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever asked.")],
) -> None:
    """Say no to a plan of somebody else's."""
    chosen = settings(context)
    _say(_approvals(_to_change(chosen)).vote(request, approve=False, reason=reason), chosen)


def withdraw(
    context: typer.Context,
    request: Annotated[str, typer.Argument(metavar="ID", help="As `calmtui approvals` lists it.")],
) -> None:
    """Take back what you asked for."""
    chosen = settings(context)
    _say(_approvals(_to_change(chosen)).withdraw(request), chosen)


def reviews(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List what was done by break-glass and nobody has looked at since; exit with 1 when there is something."""
    from calmtui.cli.printing import out, out_json, out_table
    from calmtui.governance.reviews import open_reviews
    from calmtui.governance.told import local, nodes

    estate = _estate(settings(context))
    found = [item.record for item in open_reviews(_ledger(estate), estate.name)]
    if as_json:
        out_json([{"seq": one.seq, "at": one.at, "who": one.who.name, "action": one.action, "nodes": one.nodes,
                   "reason": one.reason, "plan": one.plan} for one in found])  # fmt: skip
    elif not found:
        out("nothing waits for a review")
    else:
        rows = [
            [(str(one.seq), ""), (local(one.at), ""), (one.who.name, ""), (one.action, ""), (nodes(one.nodes), ""),
             (one.reason, "warning")]
            for one in found
        ]  # fmt: skip
        out_table(("RECORD", "AT", "WHO", "ACTION", "NODES", "REASON"), rows)
    raise typer.Exit(ExitCode.FAILED if found else ExitCode.FINE)


def review(
    context: typer.Context,
    record: Annotated[int, typer.Argument(help="As `calmtui reviews` lists it.")],
    note: Annotated[str, typer.Option(help="What came of looking at it.")],
) -> None:
    """Close the review of what somebody else did by break-glass."""
    from calmtui.governance import reviews, trail

    reviews.review(trail.of(_to_change(settings(context))), record, note)


def _say(request: Request, chosen: Settings) -> None:
    from calmtui.cli.diagnostics import say
    from calmtui.cli.printing import out
    from calmtui.errors import CalmError
    from calmtui.governance.approvals import described, still_needs
    from calmtui.governance.notify import notify

    now = time.time()
    out(f"approval {request.id} is {request.standing(now)}; it needs {still_needs(request)}")
    try:
        notify(_estate(chosen).notify, {"kind": "approval", **described(request, now)})
    except CalmError as error:
        say(f"calmtui: {error}")


def _approvals(estate: Estate) -> Approvals:
    from calmtui.governance import trail
    from calmtui.governance.approvals import Approvals
    from calmtui.governance.rulebook import subject_of

    return Approvals(_ledger(estate), trail.of(estate), subject_of(estate))


def _estate(chosen: Settings) -> Estate:
    from calmtui.estate.load import load_estate

    return load_estate(chosen.inventory)


def _to_change(chosen: Settings) -> Estate:
    """The estate, to write something about it into its ledger. Raises Refused where nothing may be changed."""
    estate = _estate(chosen)
    refuse_read_only(chosen, estate)
    return estate


def _ledger(estate: Estate) -> Place:
    from calmtui.store import ledger

    return ledger.of(estate)
