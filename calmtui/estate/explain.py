"""What pydantic found wrong in a declared value, in an operator's words and at its place in the file.

A validator of a provider's options raises `ValueError("what is wrong; what is allowed")`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

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


def explain(error: ValidationError, model: type[BaseModel], base: Loc, written: Written) -> None:
    """Record every error of a value that stands at `base` and was held against `model`."""
    alternatives: dict[Loc, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        alternatives.setdefault(_located(detail, base, written), []).append(detail)
    for loc, details in alternatives.items():
        if _only_other_branches(loc, details, base, alternatives):
            continue
        for detail in details if details[0]["type"] in ("missing", "extra_forbidden") else details[:1]:
            _explain(detail, details, model, base, loc, written)


def _located(detail: ErrorDetails, base: Loc, written: Written) -> Loc:
    """Where the value stands: pydantic's path without the names of union branches and validators."""
    loc = base
    for part in detail["loc"]:
        if (*loc, part) in written.places:
            loc = (*loc, part)
    return loc


def _only_other_branches(loc: Loc, details: list[ErrorDetails], base: Loc, all_of_them: Mapping[Loc, Any]) -> bool:
    """Whether the errors here are of union branches, while another branch fits and is wrong further inside."""
    inside = any(other[: len(loc)] == loc and len(other) > len(loc) for other in all_of_them)
    return inside and all(
        len(base) + len(detail["loc"]) > len(loc) and detail["type"] != "missing" for detail in details
    )


def _explain(
    detail: ErrorDetails, details: list[ErrorDetails], model: type[BaseModel], base: Loc, loc: Loc, written: Written
) -> None:
    kind, key = detail["type"], str(detail["loc"][-1]) if detail["loc"] else ""
    if kind == "missing":
        about = _about(model, (*loc[len(base) :], key))
        written.add(written.keys.get(loc, written.place(loc)), f"{key!r} is missing", about)
    elif kind == "extra_forbidden":
        known = [field.alias or name for name, field in _fields(model, loc[len(base) : -1]).items()]
        written.add(
            written.keys.get(loc, written.place(loc)), f"unknown key {key!r}", one_of(known), closest(key, known)
        )
    elif kind in ("value_error", "assertion_error"):
        what, _, allowed = _without_environment(str(detail["ctx"]["error"]), loc, written).partition("; ")
        place = written.keys.get(loc, written.place(loc)) if isinstance(detail["input"], dict) else written.place(loc)
        written.add(place, what, allowed)
    else:
        choices = [choice for other in details for choice in _choices(other)]
        value = detail["input"]
        near = closest(value, choices) if isinstance(value, str) and choices else ""
        allowed = _about(model, loc[len(base) :]) if kind == "string_pattern_mismatch" else ""
        if not allowed:
            must = " or ".join(dict.fromkeys(map(_must, details)))
            allowed = f"it must {must}" if must.startswith("have ") else f"it must be {must}"
        written.add(written.place(loc), f"{_called(loc)} is {_shown(value, loc, written)}", allowed, near)


def _must(detail: ErrorDetails) -> str:
    if detail["type"] in ("literal_error", "enum"):
        return str(detail["ctx"]["expected"])
    return _MUST.get(detail["type"]) or re.sub(r"^\w+ should (be )?| after validation, not \d+$", "", detail["msg"])


def _choices(detail: ErrorDetails) -> list[str]:
    return re.findall(r"'([^']*)'", _must(detail)) if detail["type"] in ("literal_error", "enum") else []


def _called(loc: Loc) -> str:
    return f"item {loc[-1] + 1} of {_called(loc[:-1])}" if isinstance(loc[-1], int) else repr(loc[-1])


def _shown(value: object, loc: Loc, written: Written) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping | list) and not value:
        return "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else written.show(loc, value)


def _about(model: type[BaseModel], loc: Loc) -> str:
    """The first sentence of the description of the field in which the value at `loc` stands."""
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]
    fields = _fields(model, loc[:-1])
    about = (fields[key].description or "") if loc and (key := str(loc[-1])) in fields else ""
    return " ".join(about.split()).split(". ")[0].rstrip(".")


def _without_environment(message: str, loc: Loc, written: Written) -> str:
    """A message in which what the environment put into the file is again what was written."""
    for place, original in written.originals.items():
        if place[: len(loc)] == loc and (value := written.at(place)):
            message = message.replace(repr(value)[1:-1], original).replace(value, original)
    return message


def _fields(model: type[BaseModel], loc: Loc) -> Mapping[str, Any]:
    """The fields of the model that describes the value at `loc` inside a `model`; empty when there is none."""
    current: Any = model
    for part in loc:
        fields = current.model_fields
        if not isinstance(part, str):
            continue  # an item of a list whose model was found with the field
        by_alias = {field.alias or name: field for name, field in fields.items()}
        current = _model_in(by_alias[part].annotation) if part in by_alias else None
        if current is None:
            return {}
    found: Mapping[str, Any] = current.model_fields
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
