"""Secrets masked in text from anywhere: variables, options of commands, URLs, headers, and tokens of a known shape.

One rule for descriptions, plans, the history of commands and the audit trail. Too many hidden is a
nuisance, one too few is an incident.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "••••••"
"""What stands in place of a secret."""

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|(^|[^a-z])pass([^a-z]|$)|pwd$|secret|token|credential|"
    r"(api|access|private|secret|encryption|signing|master|account|auth)[-_.]?key|"
    r"(^|[^a-z])(auth|authorization|dsn|salt|cookie|pat)([^a-z]|$)|(connection|conn)[-_.]?str|"
    r"(database|db|redis|amqp)[-_.]?ur[il]",
    re.IGNORECASE,
)
_WHERE_IT_IS = re.compile(r"(secret|token|passw(or)?d|credentials?|key)[-_.]?(name|file|path|ref)$", re.IGNORECASE)
"""Names that say where a secret is kept, which is none: `secretName`, `PASSWORD_FILE`."""
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # JSON web token
    r"|\b(?:gh[pousr]_|github_pat_)\w{20,}"
    r"|\bgl(?:pat|dt|rt|cbt|ptt)-[\w-]{16,}"
    r"|\bxox[abeprs]-[\w-]{10,}"  # Slack
    r"|\b(?:sk|rk|whsec)_(?:live|test)_\w{10,}|\bwhsec_\w{16,}"  # Stripe
    r"|\bsk-[\w-]{20,}"
    r"|\bAIza[\w-]{30,}"  # Google
    r"|\bya29\.[\w-]{20,}"
    r"|\bhv[sbr]\.[\w-]{20,}"  # Vault
    r"|\b(?:npm_|dop_v1_|doo_v1_|shpat_|pypi-)\w{16,}"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}"  # SendGrid
    r"|\bAGE-SECRET-KEY-1\w+",
    re.DOTALL,
)
"""Tokens that their makers gave a shape of their own, so that they can be found; from those makers' documentation."""
_HEADER = re.compile(r"(?i)(?P<name>\b(?:bearer|basic|digest|negotiate)\s+)(?P<value>[A-Za-z0-9+/=._~-]{8,})")
_IN_URL = re.compile(r"(?<=://)(?P<user>[^/\s:@]*):(?P<password>[^/\s@]+)(?=@)")
_VALUE = r"(?P<value>'[^']*'|\"[^\"]*\"|\S+)"
_ASSIGNED = re.compile(rf"(?P<name>[A-Za-z_][\w.-]*)(?P<sign>\s?=\s?){_VALUE}")
_COLON = re.compile(rf"(?P<name>[A-Za-z_][\w.-]*)(?P<sign>:\s*){_VALUE}")
_IN_JSON = re.compile(r"(?P<name>\"[^\"]+\")(?P<sign>\s*:\s*)(?P<value>\"(?:[^\"\\]|\\.)*\")")
_OPTION = re.compile(
    r"(?P<name>(?<!\S)--?[A-Za-z][\w.-]*|\baws_(?:secret_access_key|session_token))(?P<sign>\s+)(?P<value>'[^']*'|\"[^\"]*\"|[^\s-]\S*)"
)
_SHORT = re.compile(
    r"(?P<before>(?<![\w-])(?:mysql\w*|mariadb\w*|sshpass)\b[^|;&\n]*?\s-p)(?P<value>'[^']*'|\"[^\"]*\"|\S+)"
    r"|(?P<curl>(?<![\w-])curl\b[^|;&\n]*?\s(?:-u|--user)[ =]?[^\s:]+:)(?P<password>\S+)"
)
"""Programs whose short options take a password."""


def is_secret(name: str) -> bool:
    """Whether a variable, label, header or option of that name holds a secret."""
    return _SECRET_NAME.search(name) is not None and _WHERE_IT_IS.search(name) is None


def text(value: str) -> str:
    """A command line, message or document with every secret in it masked."""
    value = _IN_URL.sub(lambda match: f"{match['user']}:{MASK}", value)
    value = _SHAPES.sub(MASK, value)
    value = _HEADER.sub(lambda match: f"{match['name']}{MASK}", value)
    value = _SHORT.sub(lambda match: f"{match['before'] or match['curl']}{MASK}", value)
    for pattern in (_IN_JSON, _ASSIGNED, _COLON, _OPTION):
        value = pattern.sub(_hidden, value)
    return value


def _hidden(match: re.Match[str]) -> str:
    if not is_secret(match["name"]) or match["value"].startswith(MASK):
        return match[0]
    quote = match["value"][0] if match["value"][0] in "'\"" else ""
    return f"{match['name']}{match['sign']}{quote}{MASK}{quote}"


def without(value: Any, secrets: Iterable[str]) -> Any:
    """A JSON-like value with some known secrets masked wherever they stand in its texts."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK) if secret else value
        return value
    if isinstance(value, dict):
        return {key: without(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [without(item, secrets) for item in value]
    return value


def described(value: Any, name: str = "") -> Any:
    """A JSON-like value with every secret in it masked; `name` is the key under which it stands."""
    if isinstance(value, str):
        return MASK if value and is_secret(name) else text(value)
    if isinstance(value, dict):
        if isinstance(value.get("value"), str) and is_secret(str(value.get("name", ""))):
            value = {**value, "value": MASK}  # a variable, as Kubernetes writes it
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
        elif hide and isinstance(item, str) and not item.startswith("-"):
            masked.append(MASK)
        else:
            masked.append(described(item, "" if sign else name))
        hide = variable.startswith("-") and not sign and is_secret(variable)
    return masked
