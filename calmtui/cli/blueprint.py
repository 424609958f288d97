"""`calmtui blueprint`: services as they are declared, what differs from it, and starting and stopping them in order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli import options
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import CalmError

if TYPE_CHECKING:
    from calmtui.actions.gate import Gate
    from calmtui.blueprints.bind import Bound
    from calmtui.blueprints.contrast import Aspect, Side
    from calmtui.blueprints.drift import Drift, TierDrift
    from calmtui.blueprints.load import Blueprint
    from calmtui.cli.opened import Opened
    from calmtui.cli.run import How, Submitted
    from calmtui.runbooks.plan import RunPlan

NAME = Annotated[str, typer.Argument(help="Its name.")]
ENVIRONMENT = Annotated[str, typer.Argument(metavar="ENV", help="Of which environment.")]
AS_JSON = Annotated[bool, typer.Option("--json", help="As JSON.")]
CHECKS = Annotated[
    bool, typer.Option("--checks/--no-checks", help="Ask the nodes what only they can tell: checks, versions.")
]

blueprint = typer.Typer(help="Services as they are declared: what differs, and starting and stopping them in order.")


@blueprint.callback(invoke_without_command=True)
def list_blueprints(context: typer.Context, as_json: AS_JSON = False) -> None:
    """List the blueprints of the estate."""
    if context.invoked_subcommand is not None:
        return
    from calmtui.blueprints import load
    from calmtui.cli.printing import out_json, out_table
    from calmtui.estate.load import load_estate
    from calmtui.estate.problems import EstateError

    estate = load_estate(settings(context).inventory)
    found: list[Blueprint] = []
    wrong = []
    for name in load.known(estate):
        try:
            found.append(load.load(estate, name))
        except EstateError as error:
            wrong.append(str(error))
    for text in wrong:
        say(text)
    if not found and not wrong:
        raise CalmError("the estate has no blueprints", where=str(load.folder(estate)),
                        next_step="write one: NAME.yaml")  # fmt: skip
    if as_json:
        out_json([_declared_json(one) for one in found])
    else:
        out_table(("BLUEPRINT", "ENVIRONMENTS", "TIERS", "SUMMARY"), [
            ((one.name, ""), (", ".join(one.declared.environments), ""), (" → ".join(one.tiers), ""),
             (one.declared.summary, "")) for one in found
        ])  # fmt: skip
    raise typer.Exit(ExitCode.WRONG_USE if wrong else ExitCode.FINE)


@blueprint.command("show")
def show(context: typer.Context, name: NAME, as_json: AS_JSON = False) -> None:
    """Show what is declared: the tiers in their order, and the environments."""
    from calmtui.blueprints.drift import said
    from calmtui.cli.printing import out, out_json

    found = _load(settings(context), name)
    if as_json:
        out_json(_declared_json(found))
        return
    out(f"{found.name}: {found.declared.summary}")
    for number, tier in enumerate(found.tiers, 1):
        declared = found.declared.tiers[tier]
        needs = f", needs {' and '.join(found.needs[tier])}" if found.needs[tier] else ""
        out(f"{number}. {tier}: {declared.query}{needs}")
        out(f"   count: {said(declared.expect.count)}")
        for line in _expectations(declared.expect.model_dump(exclude_unset=True, exclude={"count"})):
            out(f"   {line}")
    for environment, here in found.declared.environments.items():
        values = "".join(f" {key}={value}" for key, value in {**found.declared.variables, **here.variables}.items())
        out(f"{environment}: {here.query}{values}")


@blueprint.command("drift")
def drift(
    context: typer.Context,
    name: NAME,
    environment: Annotated[str, typer.Argument(metavar="[ENV]", help="Of one environment. None: of each.")] = "",
    checks: CHECKS = True,
    as_json: AS_JSON = False,
    wait: options.Wait = 30.0,
) -> None:
    """Hold every node against what is declared. Exits with 1 when anything differs or is not known."""
    from calmtui.cli.printing import out_json

    found = _load(settings(context), name)
    wanted = [environment] if environment else list(found.declared.environments)
    sides = asyncio.run(_sides(settings(context), found, wanted, wait, checks=checks))
    if as_json:
        out_json([_drift_json(side.drift) for side in sides])
    else:
        for side in sides:
            _print_drift(side.drift)
    raise typer.Exit(ExitCode.FINE if all(side.drift.fine for side in sides) else ExitCode.FAILED)


@blueprint.command("complete")
def complete(
    context: typer.Context,
    name: NAME,
    environment: ENVIRONMENT,
    checks: CHECKS = True,
    as_json: AS_JSON = False,
    wait: options.Wait = 30.0,
) -> None:
    """Prove that every node has what is declared, after a deployment; or name those that have not."""
    from calmtui.cli.printing import out, out_json, styled

    (side,) = asyncio.run(_sides(settings(context), _load(settings(context), name), [environment], wait, checks=checks))
    found = side.drift
    if as_json:
        out_json({"complete": found.fine, "good": found.good, "total": found.total, "reasons": found.reasons})
    elif found.fine:
        out(styled(f"complete: all {found.completeness} nodes have it", "fine" if not found.unchecked else ""))
    else:
        out(styled(f"NOT complete: {found.completeness} nodes have it", "trouble"))
        for reason in found.reasons:
            out(styled(f"  {reason}", "trouble"))
    if not as_json:
        _say_unchecked(found)
    raise typer.Exit(ExitCode.FINE if found.fine else ExitCode.FAILED)


@blueprint.command("diff")
def diff(
    context: typer.Context,
    name: NAME,
    left: Annotated[str, typer.Argument(metavar="ENV1", help="One environment.")],
    right: Annotated[str, typer.Argument(metavar="ENV2", help="The other.")],
    checks: CHECKS = True,
    as_json: AS_JSON = False,
    wait: options.Wait = 30.0,
) -> None:
    """Hold two environments side by side. Exits with 1 when they differ in what no declaration explains."""
    from calmtui.blueprints.contrast import contrast, unexplained
    from calmtui.cli.printing import out_json

    found = _load(settings(context), name)
    one, other = asyncio.run(_sides(settings(context), found, [left, right], wait, checks=checks))
    aspects = contrast(one, other)
    if as_json:
        out_json([_aspect_json(aspect, left, right) for aspect in aspects])
    else:
        _print_contrast(aspects, left, right)
    fine = not unexplained(aspects) and not one.drift.silent and not other.drift.silent
    raise typer.Exit(ExitCode.FINE if fine else ExitCode.FAILED)


def _verb(verb: str, sentence: str) -> None:
    def command(
        context: typer.Context,
        name: NAME,
        environment: ENVIRONMENT,
        plan: options.ShowPlan = False,
        yes: options.Yes = False,
        watch: options.Watch = True,
        as_json: options.RunAsJson = False,
        reason: options.Reason = "",
        ask_approval: options.AskApproval = False,
        break_glass: options.BreakGlass = False,
        wait: options.Wait = 30.0,
    ) -> None:
        from calmtui.cli.run import How
        from calmtui.cli.watch import follow

        how = How(reason, plan=plan, yes=yes, as_json=as_json, ask_approval=ask_approval, break_glass=break_glass)
        how.check()
        submitted = asyncio.run(_submit(settings(context), name, environment, verb, how, wait))
        if isinstance(submitted, int):
            raise typer.Exit(submitted)
        raise typer.Exit(follow(submitted.journal, submitted.id, as_json=as_json, detach=not watch))

    command.__doc__ = sentence
    blueprint.command(verb)(command)


_verb("start", "Start a service, each tier after all that it needs. It goes on without this terminal.")
_verb("stop", "Stop a service, each tier before all that it needs. It goes on without this terminal.")
_verb("restart", "Restart a service, each tier after all that it needs. It goes on without this terminal.")


# -- what is there ----------------------------------------------------------------------


def _load(chosen: Settings, name: str) -> Blueprint:
    from calmtui.blueprints.load import load
    from calmtui.estate.load import load_estate

    return load(load_estate(chosen.inventory), name)


async def _sides(
    chosen: Settings, found: Blueprint, environments: list[str], wait: float, *, checks: bool
) -> list[Side]:
    from calmtui.blueprints import watching
    from calmtui.blueprints.bind import bind
    from calmtui.blueprints.contrast import Side
    from calmtui.blueprints.looks import look
    from calmtui.cli.opened import opened
    from calmtui.cli.run import gate_of

    bounds = [bind(found, environment) for environment in environments]
    async with opened(chosen, wait) as estate:
        sides = []
        for bound in bounds:
            members = watching.who(estate.live, bound)
            looks = await look(gate_of(estate, chosen, through="command"), bound, members) if checks else None
            sides.append(Side(bound, watching.drift(estate.live, bound, members, looks), looks))
        return sides


async def _submit(chosen: Settings, name: str, environment: str, verb: str, how: How, wait: float) -> Submitted | int:
    from calmtui.blueprints.bind import bind
    from calmtui.cli.opened import opened
    from calmtui.cli.run import gate_of, submit

    bound = bind(_load(chosen, name), environment)
    async with opened(chosen, wait) as estate:
        gate = gate_of(estate, chosen)
        return await submit(estate, gate, _planned(gate, estate, bound, verb, how), how)


def _planned(gate: Gate, estate: Opened, bound: Bound, verb: str, how: How) -> RunPlan:
    from calmtui.blueprints import lifecycle, watching

    subject = gate.rulebook.subject
    members = watching.who(estate.live, bound)
    return lifecycle.make(
        estate.live.estate, bound, members, verb, estate.live.actions(), who=subject.who, groups=subject.groups,
        reason=how.reason, break_glass=how.break_glass,
    )  # fmt: skip


# -- printed -----------------------------------------------------------------------------


def _print_drift(found: Drift) -> None:
    from calmtui.cli.printing import out, styled

    style = "" if found.fine else "trouble" if found.wrong else "warning"
    out(styled(f"{found.blueprint} in {found.environment}: {found.completeness} nodes are as declared", style))
    for tier in found.tiers:
        style = "quiet" if tier.good == tier.total and not tier.differences else ""
        out(styled(f"  {tier.name}: {tier.good} of {tier.total}", style))
        for text, unknown in _tier_lines(tier):
            out(styled(f"    {text}", "warning" if unknown else "trouble"))
    for node in found.strays:
        out(styled(f"  {node.id}: in no tier", "trouble"))
    for source, why in found.silent.items():
        out(styled(f"  source {source} does not answer, and may hold more: {why}", "warning"))
    _say_unchecked(found)


def _tier_lines(tier: TierDrift) -> Iterator[tuple[str, bool]]:
    for difference in tier.differences:
        yield difference.sentence, difference.unknown
    for node in tier.bad:
        for difference in node.differences:
            yield f"{node.node.id}: {difference.sentence}", difference.unknown


def _say_unchecked(found: Drift) -> None:
    if found.unchecked:
        say(f"calmtui: not asked: the nodes of {' and '.join(found.unchecked)}; --checks asks them")


def _print_contrast(aspects: list[Aspect], left: str, right: str) -> None:
    from calmtui.cli.printing import out_table

    styles = {"same": "quiet", "as declared": "", "drift": "trouble", "differs": "warning", "not known": "warning"}
    out_table(("TIER", "WHAT", left.upper(), right.upper(), ""), [
        ((one.tier, styles[one.word]), (one.what, styles[one.word]),
         (one.left or "none", "trouble" if one.left_drifts else styles[one.word]),
         (one.right or "none", "trouble" if one.right_drifts else styles[one.word]), (one.word, styles[one.word]))
        for one in aspects
    ])  # fmt: skip


def _expectations(expect: dict[str, Any]) -> Iterator[str]:
    for key, value in expect.items():
        if isinstance(value, dict):
            yield f"{key}: " + ", ".join(f"{name} {item}" for name, item in value.items() if item is not None)
        else:
            yield f"{key}: {', '.join(value) if isinstance(value, list) else value}"


# -- for scripts ---------------------------------------------------------------------------


def _declared_json(found: Blueprint) -> dict[str, Any]:
    return {**found.declared.model_dump(mode="json", by_alias=True), "order": found.tiers,
            "needs": {name: list(needs) for name, needs in found.needs.items()}}  # fmt: skip


def _drift_json(found: Drift) -> dict[str, Any]:
    return {
        "blueprint": found.blueprint, "environment": found.environment, "fine": found.fine, "wrong": found.wrong,
        "good": found.good, "total": found.total, "reasons": found.reasons, "unchecked": found.unchecked,
        "in_no_tier": [node.id for node in found.strays], "silent": dict(found.silent),
        "tiers": [_tier_json(tier) for tier in found.tiers],
    }  # fmt: skip


def _tier_json(tier: TierDrift) -> dict[str, Any]:
    return {
        "name": tier.name, "good": tier.good, "total": tier.total,
        "differences": [_difference_json(one) for one in tier.differences],
        "nodes": [{"id": node.node.id, "differences": [_difference_json(one) for one in node.differences]}
                  for node in tier.nodes],
    }  # fmt: skip


def _difference_json(one: Any) -> dict[str, Any]:
    return {"what": one.what, "found": one.found, "wanted": one.wanted, "unknown": one.unknown}


def _aspect_json(aspect: Aspect, left: str, right: str) -> dict[str, Any]:
    return {"tier": aspect.tier, "what": aspect.what, "is": aspect.word, left: aspect.left, right: aspect.right}
