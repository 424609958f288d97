"""`calmtui policy`: whether the policies are right, what they say of examples, and why they say it of nodes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calmtui.cli import options
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import Settings, settings
from calmtui.errors import UsageError

if TYPE_CHECKING:
    from calmtui.fleet.node import Node
    from calmtui.governance.decide import Verdict
    from calmtui.governance.examples import Answered
    from calmtui.governance.policies import Policies

policy = typer.Typer(no_args_is_help=True, help="The policies of the estate: check them, try them, explain them.")


@policy.command()
def check(context: typer.Context) -> None:
    """Read the policies; every mistake is told with its file, line and column."""
    from calmtui.cli.printing import out_table

    policies = _policies(settings(context))
    rows = [
        [
            (rule.id, ""),
            ("permit" if rule.permits else "forbid", ""),
            (rule.place, "quiet"),
            (f"lifted by {rule.requirement}" if rule.requirement else rule.advice, ""),
        ]
        for rule in policies.rules.values()
    ]
    out_table(("RULE", "EFFECT", "WHERE", "WHAT LIFTS IT, OR WHAT TO DO"), rows)


@policy.command("test")
def try_examples(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Examples in YAML.")],
    as_json: Annotated[bool, typer.Option("--json", help="The answers as JSON.")] = False,
) -> None:
    """Ask the policies about the examples of a file; exit with 1 when an answer is not what it expects.

    - {name: nobody stops production alone, who: {user: anna, groups: [ops]}, action: stop,
    node: {env: production}, circumstances: {danger: type-name}, expect: approval}
    """
    from calmtui.cli.printing import out, out_json
    from calmtui.governance import examples

    answers = examples.answered(_policies(settings(context)), examples.load(file))
    wrong = [answer for answer in answers if not answer.as_expected]
    if as_json:
        out_json([{
            "name": answer.example.name, "expected": answer.example.expect, "answer": answer.verdict.answer,
            "rules": answer.verdict.rules, "reason": answer.verdict.reason, "as_expected": answer.as_expected,
        } for answer in answers])  # fmt: skip
    else:
        for number, answer in enumerate(answers, 1):
            out(_answer_line(number, answer))
        out(f"{len(answers) - len(wrong)} of {len(answers)} answered as expected")
    raise typer.Exit(ExitCode.FAILED if wrong else ExitCode.FINE)


@policy.command()
def explain(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help="An action, or exec, shell, copy.")],
    query: Annotated[str, typer.Argument(help="Which nodes.")],
    break_glass: Annotated[bool, typer.Option("--break-glass", help="As if it were an emergency.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A verdict for each node as JSON.")] = False,
    wait: options.Wait = 30.0,
) -> None:
    """Say for each node whether you may do something to it now, and which rule decides."""
    work = _explain(settings(context), action, query, break_glass=break_glass, as_json=as_json, wait=wait)
    raise typer.Exit(asyncio.run(work))


async def _explain(chosen: Settings, action: str, query: str, *, break_glass: bool, as_json: bool, wait: float) -> int:
    from calmtui.cli.opened import opened
    from calmtui.cli.printing import out_json
    from calmtui.fleet.production import is_production
    from calmtui.governance.decide import Answer, Circumstances
    from calmtui.governance.rulebook import Rulebook, action_names
    from calmtui.governance.vocabulary import COMMANDS

    known = [*action_names(), *COMMANDS]
    if action not in known:
        raise UsageError(f"there is no action {action!r}", next_step=f"there are {', '.join(known)}")
    async with opened(chosen, wait, query) as estate:
        nodes = estate.one_or_more(query)
        dangers = [known[action].danger for known in estate.live.actions().values() if action in known]
        circumstances = Circumstances(
            danger=max(dangers, default=1),
            targets=len(nodes),
            production=sum(map(is_production, nodes)),
            break_glass=break_glass,
            through="command",
        )
        rulebook = Rulebook(estate.live)
        verdicts = await asyncio.to_thread(rulebook.decide, action, nodes, circumstances)
    if as_json:
        pairs = zip(nodes, verdicts, strict=True)
        out_json([{"id": node.id, "answer": verdict.answer, "rules": verdict.rules, "reason": verdict.reason,
                   "freezes": verdict.freezes} for node, verdict in pairs])  # fmt: skip
    else:
        _print_verdicts(nodes, verdicts)
    return ExitCode.FINE if all(one.answer is Answer.ALLOWED for one in verdicts) else ExitCode.REFUSED


def _print_verdicts(nodes: list[Node], verdicts: list[Verdict]) -> None:
    """Nodes with the same verdict on one line, folded."""
    from calmtui.cli.printing import out_table
    from calmtui.fleet.hostset import fold

    alike: dict[tuple[str, tuple[str, ...], str], list[str]] = defaultdict(list)
    for node, verdict in zip(nodes, verdicts, strict=True):
        alike[verdict.answer.value, verdict.rules, verdict.reason].append(node.name)
    styles = {"allowed": "fine", "approval": "warning", "denied": "trouble"}
    rows = [
        [
            (answer, styles[answer]),
            (str(len(names)), ""),
            (", ".join(rules) or "none", ""),
            (fold(names), ""),
            (reason, ""),
        ]
        for (answer, rules, reason), names in alike.items()
    ]
    out_table(("ANSWER", "NODES", "DECIDED BY", "WHICH", "WHY"), rows)


def _answer_line(number: int, answer: Answered) -> str:
    from calmtui.cli.printing import styled

    verdict = answer.verdict
    name = answer.example.name or f"{answer.example.who.user} {answer.example.action}"
    if answer.as_expected:
        return (
            f"{styled('ok  ', 'fine')}  {number}  {name}: {verdict.answer} by {', '.join(verdict.rules) or 'no rule'}"
        )
    wanted = f"{answer.example.expect}{f' by {answer.example.by}' if answer.example.by else ''}"
    found = f"{verdict.answer} by {', '.join(verdict.rules) or 'no rule'}"
    return f"{styled('FAIL', 'trouble')}  {number}  {name}: expected {wanted}, the policies say {found}"


def _policies(chosen: Settings) -> Policies:
    from calmtui.estate.load import load_estate
    from calmtui.governance import rulebook

    estate = load_estate(chosen.inventory)
    if estate.policies is None or not any(estate.policies.glob("*.cedar")):
        say("calmtui: the estate has no policies of its own; these are calmtui's")
    return rulebook.load(estate)


def freezes(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with the times in UTC.")] = False,
) -> None:
    """Show the freezes that hold now and those that come."""
    import time

    from calmtui.cli.printing import out, out_json, out_table
    from calmtui.estate.load import load_estate
    from calmtui.governance.freezes import Windows
    from calmtui.governance.trail import utc

    now = time.time()
    found = [(one, Windows(one).at(now)) for one in load_estate(settings(context).inventory).freezes]
    if as_json:
        out_json([{"name": one.name, "begins": utc(window[0]), "ends": utc(window[1]), "holds": window[0] <= now,
                   "scope": one.scope, "excepted": one.excepted, "reason": one.reason}
                  for one, window in found if window])  # fmt: skip
    elif not found:
        out("the estate has no freezes")
    else:
        out_table(
            ("FREEZE", "HOLDS", "FROM", "UNTIL", "SCOPE", "REASON"),
            [
                [
                    (one.name, ""),
                    ("now", "warning") if window and window[0] <= now else ("comes" if window else "over", "quiet"),
                    (_clock(window[0]) if window else "", ""),
                    (_clock(window[1]) if window else "", ""),
                    ((one.scope or "everything") + (f" but {one.excepted}" if one.excepted else ""), ""),
                    (one.reason, "quiet"),
                ]
                for one, window in found
            ],
        )


def _clock(at: float) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(at).astimezone().isoformat(" ", "minutes")
