"""Files of an estate that each declare one thing under its name: `runbooks/NAME.yaml`, `blueprints/NAME.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from calmtui.errors import UsageError
from calmtui.estate.explain import explain
from calmtui.estate.problems import closest
from calmtui.estate.written import Loc, Written

Model = TypeVar("Model", bound=BaseModel)


def names(folder: Path) -> list[str]:
    """What is declared in a folder, by name, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def file_of(folder: Path, name: str, what: str) -> Path:
    """The file that declares a thing of that name. Raises UsageError; `what` names the kind: `runbook`."""
    known = names(folder)
    if name not in known:
        near = closest(name, known)
        there = f"there are: {', '.join(known)}" if known else f"write {folder / f'{name}.yaml'}"
        raise UsageError(
            f"there is no {what} {name!r}",
            where=str(folder),
            next_step=f"did you mean {near!r}?" if near else there,
        )
    return folder / f"{name}.yaml"


def declared(written: Written, path: Path, model: type[Model], what: str) -> Model | None:
    """What a file declares, as far as it can be read; all that is wrong with it is recorded.

    `what` is the key that holds its name.
    """
    if not isinstance(written.value, dict):
        if not written.problems:
            said = "the file is empty" if written.value is None else "the file is not a mapping"
            written.add((1, 1), said, f"it begins with '{what}:' and 'summary:'")
        return None
    try:
        found = model.model_validate(written.value)
    except ValidationError as error:
        explain(error, model, (), written)
        return None
    name = getattr(found, what)
    if name != path.stem:
        said = f"the {what} {name!r} stands in {path.name}"
        written.add(written.place((what,)), said, f"name it {path.stem!r}, or the file {name}.yaml")
    return found


def texts(value: Any, loc: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """Every text of a file, with its place."""
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, (*loc, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, (*loc, index))
