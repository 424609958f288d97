"""`run`: a line for the shell of each node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from calmtui.runbooks import template
from calmtui.runbooks.steps.command import CommandStep
from calmtui.runbooks.steps.commands import Answer

if TYPE_CHECKING:
    from calmtui.runbooks.steps.doing import Doing


class RunStep(CommandStep):
    """A command on each node."""

    run: str
    """A line for the node's shell. Values that are put in are quoted; secrets belong into `env`."""

    def said(self, filled: Mapping[str, str]) -> str:
        """The command, and where it is not run."""
        return f"run {template.shell(self.run, filled)}{self.guards(filled)}"

    async def answer(self, doing: Doing, limit: float | None) -> Answer:
        """Run it once."""
        return await doing.command(self.run, self.env, limit)
