"""`calmtui act`: the plan, a confirmation as strong as its danger, and an outcome for each node."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli import asking, options
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import CalmError, UsageError

if TYPE_CHECKING:
    from calmtui.actions.execute import Execution
    from calmtui.actions.gate import Gate, Judgement
    from calmtui.actions.limits import Limits
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
    yes: options.Yes = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcomes as JSON.")] = False,
    parameter: options.Values = None,
    parallel: options.Parallel = 16,
    batches: options.Batches = "",
    max_failed: options.MaxFailed = "",
    max_failed_in_batch: options.MaxFailedInBatch = "",
    min_healthy: options.MinHealthy = "",
    reason: options.Reason = "",
    ask_approval: options.AskApproval = False,
    break_glass: options.BreakGlass = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and do nothing.")] = False,
    wait: options.Wait = 30.0,
) -> None:
    """Do something to every node that a query selects: start, stop, restart…"""
    from calmtui.actions import batches as read_batches
    from calmtui.actions import parameters
    from calmtui.actions.limits import Limits

    given = parameters.parse(parameter or ())
    if not (yes or dry_run or ask_approval or sys.stdin.isatty()):
        raise UsageError("there is no terminal to confirm on", next_step="add --yes to go on without being asked")
    limits = Limits(parallel, read_batches.read(batches) if batches else (), max_failed, max_failed_in_batch,
                    min_healthy)  # fmt: skip
    how = _How(given, limits, reason, yes=yes, break_glass=break_glass, dry_run=dry_run, ask_approval=ask_approval,
               as_json=as_json)  # fmt: skip
    raise typer.Exit(asyncio.run(_act(settings(context), action, query, how, wait)))


@dataclass(frozen=True)
class _How:
    """What was typed besides the action and the query."""

    given: dict[str, str]
    limits: Limits
    reason: str
    yes: bool
    break_glass: bool
    dry_run: bool
    ask_approval: bool
    as_json: bool


async def _act(chosen: Settings, action: str, query: str, how: _How, wait: float) -> int:
    from calmtui.actions.gate import Gate
    from calmtui.cli.opened import opened
    from calmtui.governance.decide import Answer

    async with opened(chosen, wait, query) as estate:
        gate = Gate(estate.live, read_only=chosen.read_only, through="command", interactive=sys.stdin.isatty())
        plan = _plan(estate, action, query, how.given)
        if not plan.targets and not how.dry_run:
            say(f"nothing to do: {len(plan.left_out)} already so")
            return ExitCode.FINE
        judgement = await gate.judge(plan.deed, break_glass=how.break_glass)
        if how.dry_run:
            _print_plan(plan, how.limits, judgement, as_json=how.as_json)
            return ExitCode.FAILED if estate.failed else ExitCode.FINE
        if how.ask_approval:
            return await asking.ask_approval(gate, plan.deed, how.reason, as_json=how.as_json)
        if judgement.answer is Answer.ALLOWED and not how.yes:
            confirmed = await _confirmed(estate, query, plan, how.limits, judgement)
            if confirmed is None:
                say("nothing was done")
                return ExitCode.FAILED
            plan = confirmed
        return await _carry_out(gate, plan, how, incomplete=estate.failed)


async def _carry_out(gate: Gate, plan: Plan, how: _How, *, incomplete: bool) -> int:
    from calmtui.actions.execute import act, all_ok
    from calmtui.actions.outcome import Status, names
    from calmtui.cli.printing import out_json

    execution = await act(gate, plan, how.limits, break_glass=how.break_glass, reason=how.reason)
    called = names(target.node for target in plan.targets)
    if not how.as_json:
        for item in plan.left_out:
            say(f"{'unchanged' if item.unchanged else 'left out'}: {item.reason}")
        for outcome in execution.outcomes.values():  # what was not let through
            print_outcome(outcome, called)
        execution.subscribe(lambda outcome: print_outcome(outcome, called))
    try:
        await execution.run()
    finally:  # interrupted too: what was done must be known
        if how.as_json:
            out_json(_json(execution, plan))
        if execution.unrecorded:
            say(f"calmtui: {execution.unrecorded}")
    if all_ok(list(execution.outcomes.values())) and not incomplete:
        return ExitCode.FINE
    return ExitCode.REFUSED if execution.having(Status.DENIED) and _well_but_denied(execution) else ExitCode.FAILED


def _well_but_denied(execution: Execution) -> bool:
    from calmtui.actions.outcome import Status

    return not execution.having(Status.FAILED, Status.UNKNOWN, Status.SKIPPED)


def _plan(estate: Opened, action: str, query: str, given: dict[str, str]) -> Plan:
    from calmtui.actions import plan

    live = estate.live
    made = plan.make(action, estate.one_or_more(query), live.actions(), is_stale=live.fleet.is_stale)
    if not made.targets and not all(item.unchanged for item in made.left_out):
        more = f" and {len(made.left_out) - 1} more" if len(made.left_out) > 1 else ""
        raise CalmError(f"no node that matches {query!r} offers {action} now: {made.left_out[0].reason}{more}")
    return plan.filled(made, given)


def _print_plan(plan: Plan, limits: Limits, judgement: Judgement, *, as_json: bool) -> None:
    from calmtui.cli.printing import out, out_json

    if as_json:
        pairs = zip(plan.targets, judgement.verdicts, strict=True)
        out_json({
            "action": plan.name, "hash": plan.hash, "parameters": dict(plan.parameters),
            "limits": asdict(limits), "danger": plan.danger.name.lower(), "reasons": plan.reasons, "undo": plan.undo,
            "answer": judgement.answer, "why_not": judgement.why_not,
            "needs": {rule: str(needed) for rule, needed in judgement.needs.items()},
            "targets": [{"id": target.node.id, "what": target.sentence, "answer": verdict.answer,
                         "rules": verdict.rules, "freezes": verdict.freezes} for target, verdict in pairs],
            "left_out": _left_out_json(plan.left_out),
        })  # fmt: skip
    else:
        out("\n".join([*_plan_lines(plan, limits, len(plan.targets)), *verdict_lines(judgement), f"hash: {plan.hash}"]))


def verdict_lines(judgement: Judgement) -> list[str]:
    """What policy says, once for all the nodes of which it says the same."""
    alike: dict[tuple[str, str], int] = {}
    for verdict in judgement.verdicts:
        said = verdict.reason or f"by {', '.join(verdict.rules)}"
        alike[verdict.answer.value, said] = alike.get((verdict.answer.value, said), 0) + 1
    found = [f"policy: {count} {answer}: {said}" for (answer, said), count in alike.items()]
    if judgement.standard:
        found.append(f"it is the standard change {judgement.standard}: no approval is needed")
    return [*found, f"! {judgement.read_only}"] if judgement.read_only else found


def _plan_lines(plan: Plan, limits: Limits, limit: int) -> list[str]:
    """A plan for people; `limit` targets at the most are listed."""
    values = "".join(f" {name}={value}" for name, value in plan.parameters.items())
    count = f"{len(plan.targets)} node{'s' if len(plan.targets) != 1 else ''}"
    found = [f"{plan.name}{values}: {count}; {limits.told()}; undo: {plan.undo or 'none'}"]
    found += [f"  {target.node.id}  {target.sentence}" for target in plan.targets[:limit]]
    if len(plan.targets) > limit:
        found.append(f"  … and {len(plan.targets) - limit} more; --dry-run lists them all")
    found += [f"  left out: {item.reason}" for item in plan.left_out[:limit]]
    if len(plan.left_out) > limit:
        found.append(f"  … and {len(plan.left_out) - limit} more are left out")
    return found


async def _confirmed(estate: Opened, query: str, plan: Plan, limits: Limits, judgement: Judgement) -> Plan | None:
    """Show the plan and ask; nothing but what is asked for counts as a yes.

    The targets are resolved again then: where something is otherwise it is shown, and asked about anew.
    """
    from calmtui.actions.plan import difference
    from calmtui.cli.terminal import ask
    from calmtui.providers.base import Danger

    lines = [*_plan_lines(plan, limits, SHOWN), *verdict_lines(judgement), *(f"! {reason}" for reason in plan.reasons)]
    while True:
        say("\n".join(lines))
        if plan.danger is not Danger.NONE:
            wanted = plan.typed or "y"
            answer = await ask(f"type {wanted} to go on:" if plan.typed else "go on? y or n:")
            if answer is None or answer.strip() != wanted:
                return None
        now = _plan(estate, plan.name, query, dict(plan.parameters))
        changed = difference(plan, now)
        if not changed:
            return now
        lines = [*_plan_lines(now, limits, SHOWN), "! since the plan was shown, this has changed:",
                 *(f"!   {line}" for line in changed)]  # fmt: skip
        plan = now


def print_outcome(outcome: Outcome, called: Mapping[NodeId, str]) -> None:
    """A line on what became of a node, once it has ended."""
    from calmtui.actions.outcome import Status
    from calmtui.cli.printing import out, styled

    if not outcome.status.final:
        return
    styles = {
        Status.OK: "fine", Status.UNCHANGED: "quiet", Status.SKIPPED: "quiet", Status.FAILED: "trouble",
        Status.DENIED: "trouble", Status.UNKNOWN: "warning",
    }  # fmt: skip
    took = f" ({outcome.took:.1f} s)" if outcome.took is not None else ""
    word = styled(outcome.status.value.ljust(9), styles[outcome.status])
    out(f"{word}  {called[outcome.node.id].ljust(max(map(len, called.values())))}  {outcome.detail}{took}")


def _json(execution: Execution, plan: Plan) -> dict[str, Any]:
    return {
        "action": execution.title, "plan": plan.hash,
        "outcomes": [outcome_json(outcome) for outcome in execution.outcomes.values()],
        "left_out": _left_out_json(plan.left_out),
    }  # fmt: skip


def _left_out_json(left_out: tuple[LeftOut, ...]) -> list[dict[str, Any]]:
    return [{"id": item.node.id, "reason": item.reason, "unchanged": item.unchanged} for item in left_out]


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as scripts get it."""
    return {
        "id": outcome.node.id, "name": outcome.node.name, "status": outcome.status, "detail": outcome.detail,
        "took_ms": None if outcome.took is None else round(outcome.took * 1000),
    }  # fmt: skip
