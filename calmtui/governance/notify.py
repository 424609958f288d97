"""Telling people outside of the console, through what the estate names: a webhook, a command. Blocks."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from calmtui.errors import CalmError
from calmtui.estate.model import Notify

PATIENCE = 10.0
"""Seconds that a hook has."""


def notify(hooks: Notify, message: Mapping[str, Any]) -> None:
    """Send a message, JSON-like, to every hook: as the body of a POST, on the standard input of the command.

    Raises CalmError when one of them did not take it; the others have it all the same.
    """
    body = json.dumps(message).encode()
    errors = [error for error in (_post(hooks.webhook, body), _run(hooks.command, body)) if error]
    if errors:
        raise CalmError(f"nobody was notified: {'; '.join(errors)}", next_step="tell them yourself; mend `notify`")


def _post(url: str, body: bytes) -> str:
    if not url:
        return ""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 -- the estate's own, http(s) by its model
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310
            return ""
    except (urllib.error.URLError, OSError) as error:  # its path may hold a token: only the host is told
        return f"{urlsplit(url).hostname}: {getattr(error, 'reason', error)}"


def _run(command: tuple[str, ...], body: bytes) -> str:
    if not command:
        return ""
    try:
        done = subprocess.run(command, input=body, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603 -- the estate's own
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    return f"{command[0]}: exit {done.returncode}" if done.returncode else ""
