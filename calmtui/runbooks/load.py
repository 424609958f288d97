"""Runbook files: from a name to a runbook, or to everything that is wrong with the file, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calmtui.errors import UsageError
from calmtui.estate import named
from calmtui.estate.model import Estate
from calmtui.estate.problems import EstateError
from calmtui.estate.written import Loc, Written, read
from calmtui.fleet.query import parse
from calmtui.runbooks import template
from calmtui.runbooks.declared import DeclaredRunbook
from calmtui.runbooks.steps.input import InputStep
from calmtui.runbooks.values import Parameter, checked

VERBS = ("show", "pause", "resume", "abort", "rollback", "retry", "answer")
"""What `calmtui run` does about runs; no runbook is called so."""
FOLDER = "runbooks"
"""The folder of an estate that holds its runbooks."""
QUERIES = ("targets", "when", "query")
SIDES = (("strategy", "blue_green", "blue"), ("strategy", "blue_green", "green"))
COMMANDS = ("run", "unless", "command")
"""Keys whose text is put together for the query language, and for the shell; every other is plain text."""
SECRET_MAPS = (("env",), ("headers",), ("jenkins", "parameters"))
SECRET_TEXTS = (("jenkins", "token"),)
"""Where secrets may stand: in the values of mappings, by the keys that lead to them, and in texts; and in all of
`extra_vars`."""
FILES = ("script", "from", "playbook", "apply")
"""Keys that name a file of the estate, in one line."""


@dataclass(frozen=True)
class Runbook:
    """A runbook and the file that it stands in."""

    declared: DeclaredRunbook
    path: Path

    @property
    def name(self) -> str:
        """Its name."""
        return self.declared.runbook


def folder(estate: Estate) -> Path:
    """Where the runbooks of an estate are, whether or not it has any."""
    return estate.folder / FOLDER


def known(estate: Estate) -> list[str]:
    """The names of an estate's runbooks, sorted."""
    return named.names(folder(estate))


def load(estate: Estate, name: str) -> Runbook:
    """The runbook of that name. Raises UsageError when there is none, EstateError with all that is wrong in it."""
    return load_file(named.file_of(folder(estate), name, "runbook"))


def load_file(path: Path) -> Runbook:
    """The runbook in a file. Raises EstateError with everything that is wrong in it."""
    written = read(path, None)
    declared = named.declared(written, path, DeclaredRunbook, "runbook")
    if isinstance(written.value, dict):
        _check_texts(written, _asked(written.value.get("steps")))
    if declared is not None:
        _check_defaults(declared, written)
        if declared.runbook in VERBS:
            what = (
                f"a runbook cannot be called {declared.runbook!r}: `calmtui run {declared.runbook}` is something else"
            )
            written.add(written.place(("runbook",)), what, "give it another name")
        _check_once(declared, written)
    if written.problems or declared is None:
        raise EstateError(written.problems)
    return Runbook(declared, path)


def _asked(steps: Any) -> frozenset[str]:
    """The names of what people are asked for, as far as they are written."""
    inputs = [step.get("input") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    return frozenset(str(one["name"]) for one in inputs if isinstance(one, dict) and "name" in one)


def _check_defaults(declared: DeclaredRunbook, written: Written) -> None:
    for name, parameter in declared.parameters.items():
        if parameter.default is not None:
            try:
                checked(name, parameter, parameter.default)
            except UsageError as error:
                written.add(written.place(("parameters", name, "default")), error.what, error.next_step)


def _check_once(declared: DeclaredRunbook, written: Written) -> None:
    """What is done once for all nodes of a batch takes nothing of one of them, but under its condition.

    What people are asked for has a name of its own.
    """
    for number, step in enumerate(declared.steps):
        for loc, text in named.texts(written.value["steps"][number]) if step.once else ():
            found = [name for name in template.names(text) if name.startswith("node.")] if loc[0] != "when" else []
            if found:
                what = f"there is no {{{{ {found[0]} }}}} here: the step is done once for all nodes of a batch"
                written.add(written.place(("steps", number, *loc)), what, "take it out")
        if isinstance(step, InputStep) and step.input_.name in declared.parameters:
            what = f"{step.input_.name!r} is a parameter already"
            written.add(written.place(("steps", number, "input", "name")), what, "give what is asked for another name")


def _check_texts(written: Written, asked: frozenset[str]) -> None:
    """Every `{{ NAME }}` names something, and every query is one, whatever is put in."""
    parameters = written.value.get("parameters")
    names: dict[str, Any] = {**(parameters if isinstance(parameters, dict) else {}), **dict.fromkeys(asked)}
    sample = dict.fromkeys(names, "x") | {f"node.{name}": "x" for name in template.NODE_FIELDS}
    for loc, text in named.texts(written.value):
        if loc[0] == "parameters" or loc[-1] == "cel":
            continue
        try:
            template.check(text, names)
            if loc[-1] in QUERIES or loc in SIDES:
                parse(template.query(text, sample))
            elif loc[-1] in COMMANDS:
                template.shell(text, sample)
            _check_early(loc, text, asked)
            if not _hidden(loc):
                _refuse_secrets(text, names)
        except UsageError as error:
            written.add(written.place(loc), error.what, error.next_step)


def _hidden(loc: Sequence[int | str]) -> bool:
    """Whether a secret may stand in a place: it is kept from plans, journals, logs and lists of processes there."""
    return (
        loc[-2:-1] in SECRET_MAPS or loc[-3:-1] in SECRET_MAPS or loc[-2:] in SECRET_TEXTS or "extra_vars" in loc[:-1]
    )


def _check_early(loc: Loc, text: str, asked: frozenset[str]) -> None:
    """What is needed before the first step is begun cannot wait for a node, nor for an answer. Raises UsageError."""
    if loc == ("targets",) or loc in SIDES or (loc[-1] in FILES and "\n" not in text.strip()):
        for name in template.names(text):
            if "." in name or name in asked:
                raise UsageError(f"there is no {{{{ {name} }}}} yet", next_step="only parameters can stand here")


def _refuse_secrets(text: str, parameters: dict[str, Any]) -> None:
    for name in template.names(text):
        declared = parameters.get(name)
        kind = (
            declared.type
            if isinstance(declared, Parameter)
            else (declared or {}).get("type")
            if isinstance(declared, dict)
            else ""
        )
        if kind == "secret":
            raise UsageError(
                f"{name!r} is a secret, which would be seen here",
                next_step=f"put it into 'env': {{SECRET: '{{{{ {name} }}}}'}}, or into 'headers'",
            )
