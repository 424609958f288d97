"""What the tests of the course of a run share: commands that are answered and remembered, and waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from calmtui.errors import CalmError
from calmtui.fleet.node import Node
from calmtui.governance.approvals import Approvals
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.trail import Trail
from tests.unit.runbooks.desk import Desk

BACK = "rollback:\n  - {run: back}\n"
ONE = "steps:\n  - {name: one, run: a}\n"


class Told:
    """Says what comes of commands, and remembers them: `n1 a`."""

    def __init__(self, **answers: str) -> None:
        """`answers`: by command, or by node and command (`n1_a`), what comes of it."""
        self.ran: list[str] = []
        self.answers = answers
        self.waits: dict[str, asyncio.Event] = {}
        """By node: its next command ends when that is set."""

    async def __call__(self, target: Node, line: str) -> str:
        self.ran.append(f"{target.name} {line}")
        if target.name in self.waits:
            await self.waits[target.name].wait()
        answer = self.answers.get(f"{target.name}_{line}", self.answers.get(line, "0"))
        if answer == "lost":
            raise CalmError("the host does not answer", where=target.name)
        return answer

    def of(self, line: str) -> list[str]:
        """The nodes on which a command was run, in that order."""
        return [one.split()[0] for one in self.ran if one.endswith(f" {line}")]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


def people(desk: Desk) -> Approvals:
    """The approvals as somebody else sees them."""
    other, ledger = Subject(Who("beth"), frozenset({"sre"})), desk.folder / "ledger.db"
    return Approvals(ledger, Trail(ledger, "test", who=other.who), other)
