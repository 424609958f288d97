"""The values that actions need, checked before anything is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from calmtui.errors import UsageError
from calmtui.providers.base import Parameter

BOOLS = {
    "yes": "true",
    "true": "true",
    "1": "true",
    "on": "true",
    "no": "false",
    "false": "false",
    "0": "false",
    "off": "false",
}


def parse(pairs: Iterable[str]) -> dict[str, str]:
    """`replicas=3` as typed on a command line. Raises UsageError for what is no pair or given twice."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{pair!r} is not NAME=VALUE", next_step="for instance -p replicas=3")
        if name in values:
            raise UsageError(f"{name} is given twice")
        values[name] = value
    return values


def check(declared: Iterable[Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """The values to use, defaults filled in, numbers and truth values in one spelling.

    Raises UsageError for a value that is missing, unknown or of the wrong kind.
    """
    known = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            allowed = f"it takes {', '.join(known)}" if known else "it takes none"
            raise UsageError(
                f"there is no parameter {name!r}", next_step=f"did you mean {near[0]}?" if near else allowed
            )
    return {name: _value(parameter, given.get(name)) for name, parameter in known.items()}


def _value(parameter: Parameter, given: str | None) -> str:
    text = given if given is not None else parameter.default
    if text is None:
        raise UsageError(f"{parameter.name} is needed: {parameter.prompt}", next_step=f"give {parameter.name}=…")
    text = text.strip()
    if parameter.kind == "int":
        try:
            return str(int(text))
        except ValueError:
            raise UsageError(f"{parameter.name} is a whole number, not {text!r}") from None
    if parameter.kind == "bool":
        if text.lower() not in BOOLS:
            raise UsageError(f"{parameter.name} is yes or no, not {text!r}")
        return BOOLS[text.lower()]
    return text
