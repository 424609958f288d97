"""`calmtui run RUNBOOK`: a runbook's plan, a confirmation, and the run as it goes on; it goes on without us too."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from calmtui.cli import options, steer
from calmtui.cli.answer import answer
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import CalmError, UsageError

if TYPE_CHECKING:
    from calmtui.actions.gate import Gate, Judgement
    from calmtui.cli.opened import Opened
    from calmtui.runbooks.journal import Journal
    from calmtui.runbooks.load import Runbook
    from calmtui.runbooks.phases import Phase
    from calmtui.runbooks.plan import RunPlan

RUNBOOK = "RUNBOOK"
"""Stands among the commands for the name of a runbook."""
SHOWN = 20
"""How many targets a plan shown on a terminal lists before it only counts."""


class _OrRunbook(TyperGroup):
    """What people do about runs; what begins otherwise is the name of a runbook, or an option of carrying it out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = [RUNBOOK, *args]
        return super().parse_args(ctx, args)


run = typer.Typer(
    cls=_OrRunbook,
    help="Carry out a runbook: `calmtui run NAME`; and what people do about a run. `calmtui runs` lists the runs.",
)
for _verb in (steer.show, steer.pause, steer.resume, steer.abort, steer.rollback, steer.retry, answer):
    run.command(_verb.__name__)(_verb)


@run.command(RUNBOOK)
def carry_out(
    context: typer.Context,
    runbook: Annotated[str, typer.Argument(metavar="[NAME]", help="Its name. None: list them.")] = "",
    parameter: options.Values = None,
    plan: options.ShowPlan = False,
    yes: options.Yes = False,
    watch: options.Watch = True,
    as_json: options.RunAsJson = False,
    reason: options.Reason = "",
    ask_approval: options.AskApproval = False,
    break_glass: options.BreakGlass = False,
    wait: options.Wait = 30.0,
) -> None:
    """Carry out a runbook of the estate. It goes on without this terminal; `calmtui run show` watches it."""
    from calmtui.actions import parameters
    from calmtui.cli.watch import follow

    if not runbook:
        raise typer.Exit(_list(settings(context)))
    how = How(reason, plan=plan, yes=yes, as_json=as_json, ask_approval=ask_approval, break_glass=break_glass)
    how.check()
    given = parameters.parse(parameter or ())
    submitted = asyncio.run(_submit(settings(context), runbook, given, how, wait))
    if isinstance(submitted, int):
        raise typer.Exit(submitted)
    raise typer.Exit(follow(submitted.journal, submitted.id, as_json=as_json, detach=not watch))


@dataclass(frozen=True)
class How:
    """How a run is wanted, as it was typed."""

    reason: str
    plan: bool
    yes: bool
    as_json: bool
    ask_approval: bool
    break_glass: bool

    def check(self) -> None:
        """Raise UsageError for what cannot come to anything, before anything is connected to."""
        if not (self.yes or self.plan or self.ask_approval or sys.stdin.isatty()):
            raise UsageError("there is no terminal to confirm on", next_step="add --yes to go on without being asked")
        if self.break_glass and not self.reason.strip():
            raise UsageError("break-glass needs a reason", next_step="say why, for those who review it")


@dataclass(frozen=True)
class Submitted:
    """A run that a worker carries out."""

    journal: Journal
    id: str


def _list(chosen: Settings) -> int:
    from calmtui.cli.printing import out_table
    from calmtui.estate.load import load_estate
    from calmtui.estate.problems import EstateError
    from calmtui.runbooks import load

    estate = load_estate(chosen.inventory)
    rows, wrong = [], []
    for name in load.known(estate):
        try:
            rows.append(((name, ""), (load.load(estate, name).declared.summary, "")))
        except EstateError as error:
            wrong.append(str(error))
    for text in wrong:
        say(text)
    if not rows and not wrong:
        raise CalmError("the estate has no runbooks", where=str(load.folder(estate)),
                        next_step="write one: NAME.yaml")  # fmt: skip
    out_table(("RUNBOOK", "SUMMARY"), rows)
    return ExitCode.WRONG_USE if wrong else ExitCode.FINE


async def _submit(chosen: Settings, name: str, given: dict[str, str], how: How, wait: float) -> Submitted | int:
    """Plan it, have it confirmed and submit it; or what to exit with when nothing is submitted."""
    from calmtui.cli.opened import opened
    from calmtui.estate.load import load_estate
    from calmtui.runbooks import planning
    from calmtui.runbooks.journal import Journal
    from calmtui.runbooks.load import load
    from calmtui.runbooks.worker import start

    declared = load_estate(chosen.inventory)
    runbook = load(declared, name)
    query = planning.targets(runbook, given)
    if how.yes and not (how.plan or how.ask_approval or chosen.read_only or declared.read_only):
        start(Journal(declared.database or None), declared.path)  # it comes up while we connect
    async with opened(chosen, wait, query) as estate:
        gate = gate_of(estate, chosen)
        return await submit(estate, gate, _plan(estate, gate, runbook, query, given, how), how)


def gate_of(estate: Opened, chosen: Settings, through: str = "runbook") -> Gate:
    """The gate for what a command does."""
    from calmtui.actions.gate import Gate

    return Gate(estate.live, read_only=chosen.read_only, through=through, interactive=sys.stdin.isatty())


async def submit(estate: Opened, gate: Gate, made: RunPlan, how: How) -> Submitted | int:
    """Show a plan or have it confirmed and submit it; or what to exit with when nothing is submitted."""
    from calmtui.governance.decide import Answer
    from calmtui.runbooks.journal import Journal

    deed = made.deed({node.id: node for node in estate.live.fleet})
    judgement = await gate.judge(deed, break_glass=how.break_glass)
    if how.plan:
        _print_plan(made, judgement, as_json=how.as_json)
        return ExitCode.FAILED if estate.failed else ExitCode.FINE
    if how.ask_approval:
        return await _ask_approval(gate, judgement, how)
    if judgement.answer is not Answer.ALLOWED:
        await gate.admit(deed, break_glass=how.break_glass, reason=how.reason)  # which refuses, on record
    if not how.yes and not await _confirmed(made, judgement):
        say("nothing was done")
        return ExitCode.FAILED
    journal = Journal(estate.live.estate.database or None)
    sites = estate.live.estate.sites_of(node.source for node in made.nodes)
    return Submitted(journal, (await asyncio.to_thread(journal.submit, made, sites)).id)


def _plan(estate: Opened, gate: Gate, runbook: Runbook, query: str, given: dict[str, str], how: How) -> RunPlan:
    from calmtui.runbooks import planning

    subject = gate.rulebook.subject
    return planning.make(
        estate.live.estate, runbook, estate.one_or_more(query), given, estate.live.actions(), who=subject.who,
        groups=subject.groups, reason=how.reason, break_glass=how.break_glass,
    )  # fmt: skip


async def _ask_approval(gate: Gate, judgement: Judgement, how: How) -> int:
    from calmtui.cli.printing import out, out_json
    from calmtui.governance.approvals import still_needs

    request = await gate.ask(judgement, how.reason)
    if how.as_json:
        out_json({"approval": request.id, "plan": request.plan})
    else:
        out(f"approval {request.id} is asked for; it needs {still_needs(request)}")
    try:
        await gate.tell(request)
    except CalmError as error:
        say(f"calmtui: {error}")
        return ExitCode.FAILED
    return ExitCode.FINE


async def _confirmed(plan: RunPlan, judgement: Judgement) -> bool:
    """Show the plan and ask; nothing but what is asked for counts as a yes."""
    from calmtui.cli.act import verdict_lines
    from calmtui.cli.terminal import ask
    from calmtui.runbooks.plan import to_be_typed

    say("\n".join([*_lines(plan, SHOWN), *verdict_lines(judgement)]))
    typed = to_be_typed(plan, judgement.deed.nodes)
    answer = await ask(f"type {typed} to go on:" if typed else "go on? y or n:")
    return answer is not None and answer.strip() == (typed or "y")


def _print_plan(plan: RunPlan, judgement: Judgement, *, as_json: bool) -> None:
    from calmtui.cli.act import verdict_lines
    from calmtui.cli.printing import out, out_json

    if as_json:
        out_json(plan_json(plan) | {
            "answer": judgement.answer, "why_not": judgement.why_not,
            "needs": {rule: str(needed) for rule, needed in judgement.needs.items()},
        })  # fmt: skip
        return
    from calmtui.runbooks.plan import sentences

    lines = _lines(plan, 0)
    for number, stage in enumerate(plan.batches, 1):
        lines.append(f"batch {number} of {len(plan.batches)}: {len(stage)} nodes, {plan.parallel} at once at the most")
        steps = plan.steps_in(number - 1)
        for node in stage:
            lines.append(f"  {node.id}")
            lines += [f"    {said}" for said in sentences([one for one in steps if one.per_node], node)]
        lines += [f"  then, once: {said}" for said in sentences([one for one in steps if not one.per_node], None)]
    out("\n".join([*lines, *verdict_lines(judgement), f"hash: {judgement.deed.hash}"]))


def _lines(plan: RunPlan, limit: int) -> list[str]:
    """A plan for people; `limit` targets at the most are listed."""
    from calmtui.runbooks.plan import sentence

    values = "".join(f" {name}={value}" for name, value in plan.parameters.items())
    found = [f"{plan.runbook}{values}: {plan.summary}"]
    found += [f"  {step.key}. {sentence(step, None)}" for step in plan.steps]
    batches = ", ".join(map(str, plan.stages))
    found.append(f"{len(plan.nodes)} nodes in batches of {batches}; {plan.budget}")
    found += [f"  gate: {sentence(step, None)}" for step in plan.gates]
    if plan.course:
        found.append("  one after the other: " + ", ".join(map(_phase, plan.course)))
    found += [f"  rollback: {sentence(step, None)}" for step in plan.rollback]
    found += [f"  {node.id}" for node in plan.nodes[:limit]]
    if limit and len(plan.nodes) > limit:
        found.append(f"  … and {len(plan.nodes) - limit} more; --plan lists them all")
    return found


def _phase(phase: Phase) -> str:
    """A phase and what comes after it."""
    after = ["the gates"] if phase.gated else []
    after += [f"{phase.hold:g} s hold"] if phase.hold else []
    return phase.title + (f" (then {', '.join(after)})" if after else "")


def plan_json(plan: RunPlan) -> dict[str, Any]:
    """A plan as scripts get it, secrets masked."""
    from calmtui.runbooks.plan import sentences

    return {
        "runbook": plan.runbook, "hash": plan.hash, "parameters": plan.parameters, "parallel": plan.parallel,
        "max_failed": plan.max_failed, "min_healthy": plan.min_healthy, "on_failure": plan.on_failure,
        "batches": [[{"id": node.id, "steps": sentences([one for one in plan.steps_in(index) if one.per_node], node)}
                     for node in stage] for index, stage in enumerate(plan.batches)],
        "once": sentences([one for one in plan.steps if not one.per_node], None),
        "rollback": sentences(plan.rollback, None), "gates": sentences(plan.gates, None),
        "phases": [{"title": phase.title, "batches": phase.stages, "hold": phase.hold, "gated": bool(phase.gated)}
                   for phase in plan.phases],
    }  # fmt: skip
