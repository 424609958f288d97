"""`calmtui act`: the plan, a confirmation as strong as its danger, and an outcome for each node."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import CalmError, Refused, UsageError

if TYPE_CHECKING:
    from calmtui.actions.execute import Execution
    from calmtui.actions.outcome import Outcome
    from calmtui.actions.plan import LeftOut, Plan
    from calmtui.cli.opened import Opened
    from calmtui.fleet.node import NodeId

SHOWN = 20
"""How many targets a plan shown on a terminal lists before it only counts."""


def act(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="As `calmtui show` lists them: restart, stop, cordon…")],
    query: Annotated[str, typer.Argument(help="Which nodes.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcomes as JSON.")] = False,
    parameter: Annotated[list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="A value it needs.")] = None,
    parallel: Annotated[int, typer.Option(min=1, metavar="N", help="How many nodes at once.")] = 16,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and do nothing.")] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for the sources.")] = 30.0,
) -> None:
    """Do something to every node that a query selects: start, stop, restart…"""
    from calmtui.actions import parameters

    given = parameters.parse(parameter or ())
    if settings(context).read_only and not dry_run:
        raise Refused(f"{action} is refused: calmtui runs read-only", next_step="--dry-run shows the plan all the same")
    if not (yes or dry_run or sys.stdin.isatty()):
        raise UsageError("there is no terminal to confirm on", next_step="add --yes to go on without being asked")
    work = _act(
        settings(context), action, query, given, yes=yes, as_json=as_json, parallel=parallel, dry_run=dry_run, wait=wait
    )
    raise typer.Exit(asyncio.run(work))


async def _act(
    chosen: Settings,
    action: str,
    query: str,
    given: dict[str, str],
    *,
    yes: bool,
    as_json: bool,
    parallel: int,
    dry_run: bool,
    wait: float,
) -> int:
    from calmtui.actions.execute import act, all_ok, refuse_read_only
    from calmtui.actions.outcome import names
    from calmtui.cli.opened import opened
    from calmtui.cli.printing import out_json

    async with opened(chosen, wait, query) as estate:
        if not dry_run:
            refuse_read_only(estate.live, action, read_only=chosen.read_only)
        plan = _plan(estate, action, query, given)
        if dry_run:
            _print_plan(plan, as_json=as_json)
            return ExitCode.FAILED if estate.failed else ExitCode.FINE
        if not yes and not await _confirmed(plan):
            say("nothing was done")
            return ExitCode.FAILED
        execution = act(estate.live, plan, read_only=chosen.read_only, parallel=parallel)
        called = names(target.node for target in plan.targets)
        if not as_json:
            for item in plan.left_out:
                say(f"left out: {item.reason}")
            execution.subscribe(lambda outcome: _print_outcome(outcome, called))
        try:
            await execution.run()
        finally:  # interrupted too: what was done must be known
            if as_json:
                out_json(_json(execution, plan.left_out))
        fine = all_ok(list(execution.outcomes.values())) and not estate.failed
        return ExitCode.FINE if fine else ExitCode.FAILED


def _plan(estate: Opened, action: str, query: str, given: dict[str, str]) -> Plan:
    from calmtui.actions import plan

    live = estate.live
    made = plan.make(action, estate.one_or_more(query), live.actions(), is_stale=live.fleet.is_stale)
    if not made.targets:
        more = f" and {len(made.left_out) - 1} more" if len(made.left_out) > 1 else ""
        raise CalmError(f"no node that matches {query!r} offers {action} now: {made.left_out[0].reason}{more}")
    return plan.filled(made, given)


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    from calmtui.cli.printing import out, out_json

    if as_json:
        out_json({
            "action": plan.name, "parameters": dict(plan.parameters), "danger": plan.danger.name.lower(),
            "reasons": plan.reasons, "undo": plan.undo,
            "targets": [{"id": target.node.id, "what": target.sentence} for target in plan.targets],
            "left_out": _left_out_json(plan.left_out),
        })  # fmt: skip
    else:
        out("\n".join(_plan_lines(plan, len(plan.targets))))


def _plan_lines(plan: Plan, limit: int) -> list[str]:
    """A plan for people; `limit` targets at the most are listed."""
    values = "".join(f" {name}={value}" for name, value in plan.parameters.items())
    count = f"{len(plan.targets)} node{'s' if len(plan.targets) != 1 else ''}"
    found = [f"{plan.name}{values}: {count}; undo: {plan.undo or 'none'}"]
    found += [f"  {target.node.id}  {target.sentence}" for target in plan.targets[:limit]]
    if len(plan.targets) > limit:
        found.append(f"  … and {len(plan.targets) - limit} more; --dry-run lists them all")
    found += [f"  left out: {item.reason}" for item in plan.left_out[:limit]]
    if len(plan.left_out) > limit:
        found.append(f"  … and {len(plan.left_out) - limit} more are left out")
    return found


async def _confirmed(plan: Plan) -> bool:
    """Show the plan and ask. Nothing but what is asked for counts as a yes."""
    from calmtui.cli.terminal import ask
    from calmtui.providers.base import Danger

    say("\n".join([*_plan_lines(plan, SHOWN), *(f"! {reason}" for reason in plan.reasons)]))
    if plan.danger is Danger.NONE:
        return True
    wanted = plan.typed or "y"
    answer = await ask(f"type {wanted} to go on:" if plan.typed else "go on? y or n:")
    return answer is not None and answer.strip() == wanted


def _print_outcome(outcome: Outcome, called: Mapping[NodeId, str]) -> None:
    from calmtui.actions.outcome import Status
    from calmtui.cli.printing import out, styled

    if not outcome.status.final:
        return
    styles = {Status.OK: "fine", Status.SKIPPED: "quiet", Status.FAILED: "trouble", Status.UNKNOWN: "warning"}
    took = f" ({outcome.took:.1f} s)" if outcome.took is not None else ""
    word = styled(outcome.status.value.ljust(7), styles[outcome.status])
    out(f"{word}  {called[outcome.node.id].ljust(max(map(len, called.values())))}  {outcome.detail}{took}")


def _json(execution: Execution, left_out: tuple[LeftOut, ...]) -> dict[str, Any]:
    return {
        "action": execution.title,
        "outcomes": [outcome_json(outcome) for outcome in execution.outcomes.values()],
        "left_out": _left_out_json(left_out),
    }


def _left_out_json(left_out: tuple[LeftOut, ...]) -> list[dict[str, str]]:
    return [{"id": item.node.id, "reason": item.reason} for item in left_out]


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as scripts get it."""
    return {
        "id": outcome.node.id, "name": outcome.node.name, "status": outcome.status, "detail": outcome.detail,
        "took_ms": None if outcome.took is None else round(outcome.took * 1000),
    }  # fmt: skip
