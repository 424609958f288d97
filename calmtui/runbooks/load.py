"""Runbook files: from a name to a runbook, or to everything that is wrong with the file, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calmtui.errors import UsageError
from calmtui.estate.explain import explain
from calmtui.estate.model import Estate
from calmtui.estate.problems import EstateError, closest
from calmtui.estate.written import Loc, Written, read
from calmtui.fleet.query import parse
from calmtui.runbooks import template
from calmtui.runbooks.declared import DeclaredRunbook, Parameter

FOLDER = "runbooks"
"""The folder of an estate that holds its runbooks."""
QUERIES = ("targets", "when", "query")
COMMANDS = ("run", "unless", "command")
"""Keys whose text is put together for the query language, and for the shell; every other is plain text."""


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
    return sorted(path.stem for path in folder(estate).glob("*.yaml"))


def load(estate: Estate, name: str) -> Runbook:
    """The runbook of that name. Raises UsageError when there is none, EstateError with all that is wrong in it."""
    names = known(estate)
    if name not in names:
        near = closest(name, names)
        there = f"there are: {', '.join(names)}" if names else f"write {folder(estate) / f'{name}.yaml'}"
        raise UsageError(
            f"there is no runbook {name!r}",
            where=str(folder(estate)),
            next_step=f"did you mean {near!r}?" if near else there,
        )
    return load_file(folder(estate) / f"{name}.yaml")


def load_file(path: Path) -> Runbook:
    """The runbook in a file. Raises EstateError with everything that is wrong in it."""
    written = read(path, None)
    declared = _declared(written, path)
    if written.problems or declared is None:
        raise EstateError(written.problems)
    return Runbook(declared, path)


def _declared(written: Written, path: Path) -> DeclaredRunbook | None:
    if not isinstance(written.value, dict):
        if not written.problems:
            what = "the file is empty" if written.value is None else "the file is not a mapping"
            written.add((1, 1), what, "it begins with 'runbook:' and 'summary:'")
        return None
    declared = None
    try:
        declared = DeclaredRunbook.model_validate(written.value)
    except ValidationError as error:
        explain(error, DeclaredRunbook, (), written)
    _check_texts(written)
    if declared is not None:
        if declared.runbook != path.stem:
            what = f"the runbook {declared.runbook!r} stands in {path.name}"
            written.add(
                written.place(("runbook",)), what, f"name it {path.stem!r}, or the file {declared.runbook}.yaml"
            )
        _check_defaults(declared, written)
    return declared


def _check_defaults(declared: DeclaredRunbook, written: Written) -> None:
    from calmtui.runbooks.values import checked

    for name, parameter in declared.parameters.items():
        if parameter.default is not None:
            try:
                checked(name, parameter, parameter.default)
            except UsageError as error:
                written.add(written.place(("parameters", name, "default")), error.what, error.next_step)


def _check_texts(written: Written) -> None:
    """Every `{{ NAME }}` names something, and every query is one, whatever is put in."""
    parameters = written.value.get("parameters")
    names: dict[str, Any] = parameters if isinstance(parameters, dict) else {}
    sample = dict.fromkeys(names, "x") | {f"node.{name}": "x" for name in template.NODE_FIELDS}
    for loc, text in _texts(written.value, ()):
        if loc[0] == "parameters":
            continue
        try:
            template.check(text, names)
            if loc[-1] in QUERIES:
                parse(template.query(text, sample))
            elif loc[-1] in COMMANDS:
                template.shell(text, sample)
            if loc[:1] == ("targets",) and (of_node := [name for name in template.names(text) if "." in name]):
                raise UsageError(
                    f"there is no {{{{ {of_node[0]} }}}} yet", next_step="the targets are what is asked for"
                )
            if not (len(loc) > 1 and loc[-2] == "env"):
                _refuse_secrets(text, names)
        except UsageError as error:
            written.add(written.place(loc), error.what, error.next_step)


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
                next_step=f"put it into 'env': {{SECRET: '{{{{ {name} }}}}'}}",
            )


def _texts(value: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    """Every text of a file, with its place."""
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*loc, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*loc, index))
