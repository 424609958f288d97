"""The kinds of values that stand in a runbook file, and the model that all of its parts are."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from calmtui.actions import batches
from calmtui.errors import UsageError
from calmtui.fleet.moment import seconds

PARAMETER = r"[A-Za-z_]\w*"
"""What a parameter may be called."""
_LENGTH = r"(\d+(\.\d+)?[smhdw])+"
_AMOUNT = r"\d+%?"


def _length(text: str) -> str:
    if seconds(text) is None:
        raise ValueError(f"{text!r} is no length of time; write 30s, 5m or 1h30m")
    return text


def _amount(text: str) -> str:
    try:
        batches.budget(text, 1)
    except UsageError as error:
        raise ValueError(f"{error.what}; {error.next_step}") from None
    return text


def _batch(text: str) -> str:
    try:
        batches.read(text)
    except UsageError as error:
        raise ValueError(f"{error.what}; write a number of nodes or a percentage of them: 1, 25%") from None
    return text


def _parameter(text: str) -> str:
    if not re.fullmatch(PARAMETER, text) or text == "node":
        raise ValueError(f"{text!r} is no name of a parameter; letters, digits and _, and not 'node'")
    return text


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


Value = Annotated[
    str,
    BeforeValidator(_text),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}),
]
"""Anything that is written as one word or text: it is read as text."""
Length = Annotated[str, AfterValidator(_length), WithJsonSchema({"type": "string", "pattern": f"^{_LENGTH}$"})]
"""A length of time: `30s`, `5m`, `1h30m`."""
Amount = Annotated[
    str,
    AfterValidator(_amount),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{_AMOUNT}$"}, {"type": "integer", "minimum": 0}]}),
]
"""So many nodes, or so many of a hundred: `3`, `5%`."""
Batch = Annotated[
    str,
    AfterValidator(_batch),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{_AMOUNT}$"}, {"type": "integer", "minimum": 1}]}),
]
Batches = Annotated[list[Batch], BeforeValidator(_listed, json_schema_input_type=Batch | list[Batch])]
"""How many nodes go first, how many then: `[1, 25%, 100%]`."""
ParameterName = Annotated[
    str, AfterValidator(_parameter), WithJsonSchema({"type": "string", "pattern": f"^{PARAMETER}$"})
]
Statuses = Annotated[list[int], BeforeValidator(_listed, json_schema_input_type=int | list[int])]
"""Exit statuses, or those of HTTP."""
Names = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
"""One or several."""


class Strict(BaseModel):
    """A part of a runbook file: nothing unknown stands in it, and its docstrings are what editors show."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)
