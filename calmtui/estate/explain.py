"""What pydantic found wrong in a declared value, in an operator's words and at its place in the file.

A validator of a provider's options raises `ValueError("what is wrong; what is allowed")`. Where a
pattern does not match, the first sentence of the field's docstring says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from calmtui.estate.compose import Place
from calmtui.estate.problems import closest, one_of
from calmtui.estate.written import Loc, Written

_MUST = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list such as [A, B]",
    "tuple_type": "a list such as [A, B]",
    "set_type": "a list such as [A, B]",
    "frozen_set_type": "a list such as [A, B]",
    "dict_type": "a mapping such as {KEY: VALUE}",
    "mapping_type": "a mapping such as {KEY: VALUE}",
    "model_type": "a mapping such as {KEY: VALUE}",
    "model_attributes_type": "a mapping such as {KEY: VALUE}",
    "path_type": "a path",
}
"""What a value must be, by the type of pydantic's error."""

_OF_THEIR_OWN = ("missing", "extra_forbidden", "value_error", "assertion_error")
"""Errors that are each told; several others at one place are the alternatives of a union."""


def explain(
    error: ValidationError, model: type[BaseModel], base: Loc, written: Written, beside: Collection[str] = ()
) -> None:
    """Record every error of a value that stands at `base` and was held against `model`.

    `beside` are the keys that may stand among those of the model.
    """
    explaining = _Explaining(model, base, written, beside)
    by_loc: dict[Loc, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        by_loc.setdefault(explaining.located(detail), []).append(detail)
    for loc, details in by_loc.items():
        deeper = any(other[: len(loc)] == loc for other in by_loc if len(other) > len(loc))
        alternatives: list[ErrorDetails] = []
        for detail in details:
            if detail["type"] in _OF_THEIR_OWN:
                explaining.single(detail, loc)
            elif not (deeper and len(base) + len(detail["loc"]) > len(loc)):
                alternatives.append(detail)
            # else another alternative of the union fits so far, and is told where it goes wrong
        if alternatives:
            explaining.mismatch(alternatives, loc)


class _Explaining:
    """What one value was held against."""

    def __init__(self, model: type[BaseModel], base: Loc, written: Written, beside: Collection[str]) -> None:
        self.model = model
        self.base = base
        self.written = written
        self.beside = beside

    def located(self, detail: ErrorDetails) -> Loc:
        """Where the value stands: pydantic's path without the names of union branches and validators."""
        loc = self.base
        for part in detail["loc"]:
            if (*loc, part) in self.written.places:
                loc = (*loc, part)
        return loc

    def single(self, detail: ErrorDetails, loc: Loc) -> None:
        """Record an error that stands for itself."""
        key = str(detail["loc"][-1]) if detail["loc"] else ""
        if detail["type"] == "missing":
            self.written.add(self.key_place(loc), f"{key!r} is missing", self.about((*loc, key)))
        elif detail["type"] == "extra_forbidden":
            fields = self.fields(loc[:-1])
            known = [*(self.beside if loc[:-1] == self.base else ()), *fields]
            self.written.add(self.key_place(loc), f"unknown key {key!r}", one_of(known), closest(key, known))
        else:
            what, _, allowed = self.as_written(str(detail["ctx"]["error"]), loc).partition("; ")
            whole = isinstance(detail["input"], dict)
            self.written.add(self.key_place(loc) if whole else self.written.place(loc), what, allowed)

    def mismatch(self, details: list[ErrorDetails], loc: Loc) -> None:
        """Record that a value is none of the alternatives."""
        value = details[0]["input"]
        choices = [choice for detail in details for choice in _choices(detail)]
        near = closest(value, choices) if isinstance(value, str) else ""
        must = " or ".join(dict.fromkeys(map(_must, details)))
        allowed = f"it must {must}" if must.startswith("have ") else f"it must be {must}"
        if all(detail["type"] == "string_pattern_mismatch" for detail in details):
            allowed = self.about(loc) or allowed
        called = f"item {loc[-1] + 1} of {loc[-2]!r}" if isinstance(loc[-1], int) else repr(loc[-1])
        self.written.add(self.written.place(loc), f"{called} is {self.written.show(loc, value)}", allowed, near)

    def key_place(self, loc: Loc) -> Place:
        return self.written.keys.get(loc, self.written.place(loc))

    def as_written(self, message: str, loc: Loc) -> str:
        """A message in which what the environment put into the file is again what was written."""
        for place, original in self.written.originals.items():
            if place[: len(loc)] == loc and (value := self.written.at(place)):
                message = message.replace(repr(value)[1:-1], original).replace(value, original)
        return message

    def about(self, loc: Loc) -> str:
        """The first sentence of the description of the field in which the value at `loc` stands."""
        while isinstance(loc[-1], int):
            loc = loc[:-1]
        field = self.fields(loc[:-1]).get(str(loc[-1]))
        text = " ".join(((field.description if field else None) or "").split())
        first = re.split(r"\. |; unset", text)[0].rstrip(".")
        return first[:1].lower() + first[1:] if first[1:2].islower() else first

    def fields(self, loc: Loc) -> Mapping[str, Any]:
        """The fields, by the names they have in a file, of the model that describes the value at `loc`."""
        current: type[BaseModel] | None = self.model
        named = False
        for part in loc[len(self.base) :]:
            if isinstance(part, int) or named:
                named = False
                continue  # the model of the items was found with the list or mapping that holds them
            field = _by_name(current).get(part)
            current = _fitting(_models_in(field.annotation), self.keys(loc, part)) if field else None
            named = field is not None and get_origin(field.annotation) is dict
        return _by_name(current)

    def keys(self, loc: Loc, part: str) -> Collection[str]:
        """The keys that were written at or around `loc`, in the value of the field `part` or the item of it."""
        end = max(index for index, each in enumerate(loc) if each == part) + 1
        at = loc[: end + 1] if isinstance(next(iter(loc[end:]), ""), int) else loc[:end]
        value = self.written.at(at) if at in self.written.places else None
        return value.keys() if isinstance(value, dict) else ()


def _by_name(model: type[BaseModel] | None) -> Mapping[str, Any]:
    fields = model.model_fields if model else {}
    return {field.alias or name: field for name, field in fields.items()}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]


def _fitting(models: Sequence[type[BaseModel]], keys: Collection[str]) -> type[BaseModel] | None:
    """Of the alternatives the one whose needed fields are written; else the first."""
    fits = (model for model in models if all(field in keys for field in _needed(model)) and _needed(model))
    return next(fits, models[0] if models else None)


def _needed(model: type[BaseModel]) -> list[str]:
    return [name for name, field in _by_name(model).items() if field.is_required()]


def _must(detail: ErrorDetails) -> str:
    if detail["type"] in ("literal_error", "enum"):
        return str(detail["ctx"]["expected"])
    return _MUST.get(detail["type"]) or re.sub(r"^\w+ should (be )?| after validation, not \d+$", "", detail["msg"])


def _choices(detail: ErrorDetails) -> list[str]:
    return re.findall(r"'([^']*)'", _must(detail)) if detail["type"] in ("literal_error", "enum") else []
