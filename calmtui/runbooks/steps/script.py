"""`script`: a script of the estate, run on each node."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from shlex import quote, split
from typing import TYPE_CHECKING

from calmtui.errors import CalmError
from calmtui.runbooks import template
from calmtui.runbooks.fields import Value
from calmtui.runbooks.steps.command import CommandStep
from calmtui.runbooks.steps.commands import Answer

if TYPE_CHECKING:
    from calmtui.runbooks.steps.doing import Doing

_CARRIER = (
    "f=$(umask 077; mktemp) || exit 126; trap 'rm -f \"$f\"' EXIT; trap 'exit 129' HUP INT TERM;"
    ' cat >"$f" || exit 126; '
)
"""Takes the script from its input into a file of its own, which goes with it; what follows runs `$f`."""


class ScriptStep(CommandStep):
    """A script of the estate on each node, by the interpreter that its first line names, else by /bin/sh."""

    script: str
    """Its file, relative to the estate. The plan binds what it holds."""
    args: list[Value] = []
    """Its arguments; secrets belong into `env`."""

    def files(self) -> tuple[str, ...]:
        """The script."""
        return (self.script,)

    def said(self, filled: Mapping[str, str]) -> str:
        """The script with its arguments, and where it is not run."""
        words = [template.text(self.script, filled), *self._arguments(filled)]
        return f"script {' '.join(words)}{self.guards(filled)}"

    async def answer(self, doing: Doing, limit: float | None) -> Answer:
        """Run it once."""
        path = await doing.file(template.text(self.script, doing.filled))
        words = [*await asyncio.to_thread(_interpreter, path), '"$f"', *self._arguments(doing.filled)]
        return await doing.asked(_CARRIER + " ".join(words), self.env, limit, path)

    def _arguments(self, filled: Mapping[str, str]) -> list[str]:
        return [quote(template.text(value, filled)) for value in self.args]


def _interpreter(path: Path) -> list[str]:
    """The words that run a script, quoted. Raises CalmError."""
    try:
        with path.open("rb") as file:
            first = file.readline(256)
        words = split(first[2:].decode().strip()) if first.startswith(b"#!") else []
    except (OSError, ValueError) as error:
        raise CalmError(f"the script cannot be read: {error}", where=str(path)) from None
    return [quote(word) for word in words] or ["/bin/sh"]
