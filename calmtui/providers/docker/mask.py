"""Secrets in what an engine tells: environment values, labels, options of commands, passwords in URLs."""

from __future__ import annotations

import re
from typing import Any

from calmtui.providers.base import MASK

_SECRET = re.compile(
    r"passw(or)?d|passphrase|(^|[^a-z])pass([^a-z]|$)|pwd$|secret|token|credential|"
    r"(api|access|private|secret|encryption|signing|master|account|auth)[-_.]?key|"
    r"(^|[^a-z])(auth|dsn|salt|cookie)([^a-z]|$)|(connection|conn)[-_.]?str",
    re.IGNORECASE,
)
"""Names whose values are secrets. Too many hidden is a nuisance, one too few is an incident."""
_IN_URL = re.compile(r"(?<=://)(?P<user>[^/\s:@]*):(?P<password>[^/\s@]+)(?=@)")
_ASSIGNED = re.compile(r"(?P<name>[A-Za-z][\w.-]*)(?P<sign>=)(?P<value>'[^']*'|\"[^\"]*\"|\S+)")
_IN_JSON = re.compile(r"(?P<name>\"[^\"]+\")(?P<sign>\s*:\s*)(?P<value>\"(?:[^\"\\]|\\.)*\")")
_OPTION = re.compile(r"(?P<name>(?<!\S)--?[A-Za-z][\w.-]*)(?P<sign>\s+)(?P<value>'[^']*'|\"[^\"]*\"|[^\s-]\S*)")


def is_secret(name: str) -> bool:
    """Whether a variable, label or option of that name holds a secret."""
    return _SECRET.search(name) is not None


def text(value: str) -> str:
    """A command line or message with `NAME=secret`, `--name secret` and passwords in URLs masked."""
    value = _IN_URL.sub(lambda match: f"{match['user']}:{MASK}", value)
    for pattern in (_IN_JSON, _ASSIGNED, _OPTION):
        value = pattern.sub(_hidden, value)
    return value


def _hidden(match: re.Match[str]) -> str:
    return f"{match['name']}{match['sign']}{MASK}" if is_secret(match["name"]) else match[0]


def described(value: Any, name: str = "") -> Any:
    """A JSON-like value with every secret in it masked; `name` is the key under which it stands."""
    if isinstance(value, str):
        return MASK if value and is_secret(name) else text(value)
    if isinstance(value, dict):
        return {key: described(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return _arguments(value, name)
    return value


def _arguments(items: list[Any], name: str) -> list[Any]:
    """A list: of variables as `NAME=value`, of command-line arguments (`--password`, then its value), or of objects."""
    masked: list[Any] = []
    hide = False
    for item in items:
        variable, sign, _ = item.partition("=") if isinstance(item, str) else ("", "", "")
        if sign and is_secret(variable) and " " not in variable:
            masked.append(f"{variable}={MASK}")
        else:
            masked.append(MASK if hide and isinstance(item, str) else described(item, "" if sign else name))
        hide = variable.startswith("-") and not sign and is_secret(variable)
    return masked
