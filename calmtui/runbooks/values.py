"""The parameters of a runbook and their values: checked, in one spelling, secrets only by where they are found."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from calmtui.actions.parameters import BOOLS
from calmtui.errors import CalmError, UsageError
from calmtui.estate.problems import closest, one_of
from calmtui.fleet.moment import seconds
from calmtui.runbooks.fields import Strict, Value


class Parameter(Strict):
    """A value that whoever starts the runbook gives. `{{ NAME }}` stands for it."""

    type: Literal["string", "integer", "number", "boolean", "duration", "secret"] = "string"
    """What it is. A `secret` is never written down: only where it is found."""
    summary: str = ""
    """What it is for."""
    required: bool = False
    """It has to be given. Not with a default."""
    default: Value | None = None
    """What holds when it is not given."""
    one_of: list[Value] = []
    """The values that it may have."""
    pattern: str = ""
    """A regular expression that the whole of it matches."""
    minimum: float | None = None
    """The least number."""
    maximum: float | None = None
    """The greatest number."""
    env: str = ""
    """Of a secret: the environment variable that holds it."""
    file: str = ""
    """Of a secret: the file that holds it, relative to the estate."""

    @model_validator(mode="after")
    def _fits(self) -> Parameter:
        if self.required and self.default is not None:
            raise ValueError("required and a default; leave one of them away")
        if self.type == "secret" and (bool(self.env) == bool(self.file) or self.default is not None):
            raise ValueError("a secret needs 'env' or 'file', and has no default; name where it is found")
        if self.type != "secret" and (self.env or self.file):
            raise ValueError("'env' and 'file' are for secrets; write 'type: secret'")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"{self.pattern!r} is no regular expression; {error}") from None
        return self


def check(declared: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """The values to use but for secrets, defaults filled in. Raises UsageError."""
    for name in given:
        if name not in declared:
            raise UsageError(
                f"there is no parameter {name!r}",
                next_step=f"did you mean {near!r}?" if (near := closest(name, declared)) else one_of(list(declared)),
            )
        if declared[name].type == "secret":
            raise UsageError(f"{name} is a secret: it is not given, but found", next_step=_found_at(declared[name]))
    return {
        name: _value(name, parameter, given.get(name))
        for name, parameter in declared.items()
        if parameter.type != "secret"
    }


def references(declared: Mapping[str, Parameter], folder: Path) -> dict[str, str]:
    """Where each secret is found: `env:TOKEN`, `file:/etc/token`. `folder` is what files are relative to."""
    return {
        name: f"env:{parameter.env}" if parameter.env else f"file:{folder / Path(parameter.file).expanduser()}"
        for name, parameter in declared.items()
        if parameter.type == "secret"
    }


def _value(name: str, parameter: Parameter, given: str | None) -> str:
    value = parameter.default if given is None else given
    if value is None:
        if parameter.required:
            raise UsageError(f"{name} is needed" + (f": {parameter.summary}" if parameter.summary else ""),
                             next_step=f"give -p {name}=…")  # fmt: skip
        return ""
    return checked(name, parameter, value)


def checked(name: str, parameter: Parameter, value: str) -> str:
    """A value in its one spelling. Raises UsageError."""
    text = _typed(name, parameter, value.strip())
    if parameter.one_of and text not in parameter.one_of:
        near = closest(text, parameter.one_of)
        raise UsageError(
            f"{name} is {text!r}", next_step=f"did you mean {near!r}?" if near else one_of(parameter.one_of)
        )
    if parameter.pattern and not re.fullmatch(parameter.pattern, text):
        raise UsageError(f"{name} is {text!r}", next_step=f"it has to match {parameter.pattern}")
    return text


def _typed(name: str, parameter: Parameter, text: str) -> str:
    match parameter.type:
        case "integer":
            if not re.fullmatch(r"[+-]?\d+", text):
                raise UsageError(f"{name} is a whole number, not {text!r}")
            return _within(name, parameter, int(text))
        case "number":
            if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
                raise UsageError(f"{name} is a number, not {text!r}")
            return _within(name, parameter, float(text))
        case "boolean":
            if text.lower() not in BOOLS:
                raise UsageError(f"{name} is yes or no, not {text!r}")
            return BOOLS[text.lower()]
        case "duration":
            if seconds(text) is None:
                raise UsageError(f"{name} is a length of time, not {text!r}", next_step="write 30s, 5m or 1h30m")
    return text


def _within(name: str, parameter: Parameter, number: float) -> str:
    if parameter.minimum is not None and number < parameter.minimum:
        raise UsageError(f"{name} is {number:g}", next_step=f"at least {parameter.minimum:g}")
    if parameter.maximum is not None and number > parameter.maximum:
        raise UsageError(f"{name} is {number:g}", next_step=f"at most {parameter.maximum:g}")
    return str(number)


def _found_at(parameter: Parameter) -> str:
    return f"set the environment variable {parameter.env}" if parameter.env else f"put it into {parameter.file}"


def secret(name: str, reference: str) -> str:
    """The secret, fetched for the moment in which it is used. Blocks. Raises CalmError."""
    kind, _, at = reference.partition(":")
    if kind == "env":
        if at not in os.environ:
            raise CalmError(f"the secret {name!r} is not there", next_step=f"set the environment variable {at}")
        return os.environ[at]
    try:
        return Path(at).read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CalmError(f"the secret {name!r} cannot be read: {error}", where=at) from None
