"""Answers to what a run asks for: checked, on record, and in its journal, where whoever carries it out finds them."""

from __future__ import annotations

import time
from collections.abc import Mapping

from calmtui.actions.outcome import Status
from calmtui.errors import Refused, UsageError
from calmtui.governance.decide import Subject
from calmtui.governance.record import Event as Recorded
from calmtui.governance.trail import Trail
from calmtui.runbooks.journal import Event, Journal
from calmtui.runbooks.plan import RunPlan
from calmtui.runbooks.progress import ANSWER
from calmtui.runbooks.steps.input import Input, InputStep


def inputs(plan: RunPlan) -> dict[str, Input]:
    """What a run asks people for, by name."""
    found = (step.declared for step in plan.steps)
    return {step.input_.name: step.input_ for step in found if isinstance(step, InputStep)}


def answer(journal: Journal, run_id: str, given: Mapping[str, str], trail: Trail, subject: Subject) -> None:
    """Tell a run what it asks for. Blocks. Raises UsageError, Refused, StoreError; then nothing is told."""
    run, plan = journal.run(run_id), journal.plan(run_id)
    asked = inputs(plan)
    if run.standing.ended:
        raise UsageError(f"run {run.id} has ended: it is {run.standing}")
    told: dict[str, str] = {}
    for name, value in given.items():
        if name not in asked:
            raise UsageError(f"run {run.id} does not ask for {name!r}",
                             next_step=f"it asks for {', '.join(asked) or 'nothing'}")  # fmt: skip
        if journal.answers(run.id, name):
            raise UsageError(f"{name} was told already", next_step=f"`calmtui run show {run.id}` says by whom")
        if asked[name].by and not subject.groups & set(asked[name].by):
            raise Refused(f"{name} is for {' or '.join(asked[name].by)} to tell", where=f"run {run.id}")
        told[name] = asked[name].checked(value)
    said = ", ".join(f"{name}={value}" for name, value in told.items())
    trail.append(trail.record(Recorded.ANSWERED, action="runbook", plan=plan.hash, detail=f"run {run.id}: {said}"))
    journal.append(
        run.id,
        [Event("", f"{ANSWER}{name}", Status.OK, value, subject.who.name, time.time(), run.attempt)
         for name, value in told.items()],
    )  # fmt: skip
