"""What the matrices of cases have in common: rules, a node, an estate for a case, somebody who approves."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from calmtui.actions.deed import Deed
from calmtui.estate.model import Estate, Freeze, SourceSpec
from calmtui.governance.decide import Answer
from calmtui.tui.app import CalmApp
from tests.tui.governed import person
from tests.unit.actions.workshop import Workshop, node

ONE = node("web", actions=("start", "stop", "destroy"))
RULES = {
    "permitted": "",
    "forbidden": '@id("no") forbid (principal, action, resource);',
    "approval": '@id("eyes") @approvals("1") forbid (principal, action, resource);',
}
ALWAYS = """
@id("all") permit (principal, action, resource);
@id("frozen") forbid (principal, action, resource) when { context.frozen } unless { context.undo };
"""


class Meets(Protocol):
    """What a case meets."""

    @property
    def policy(self) -> str:
        """The name of the rules."""

    @property
    def frozen(self) -> bool:
        """Whether a freeze holds."""

    @property
    def read_only(self) -> bool:
        """Whether the estate is, whatever the console is."""


def estate(case: Meets, source: Workshop, folder: Path, rules: Mapping[str, str] = RULES) -> Estate:
    """The estate of a case; all of them share one ledger."""
    policies = folder / case.policy
    policies.mkdir(exist_ok=True)
    (policies / "rules.cedar").write_text(ALWAYS + rules[case.policy])
    freeze = Freeze("for-ever", datetime(2020, 1, 1), timedelta(days=36_500))
    return Estate(
        "matrix", (SourceSpec("lab", "workshop", source),), read_only=case.read_only, ledger=folder / "ledger.db",
        policies=policies, freezes=(freeze,) if case.frozen else (),
    )  # fmt: skip


async def approve(app: CalmApp, deed: Deed) -> None:
    """Have somebody else approve it, as it would be without what else stands in the way."""
    judgement = await app.gate.judge(deed)
    if judgement.answer is Answer.APPROVAL:  # otherwise nobody can ask
        request = await app.gate.ask(judgement)
        person(app.live.estate, "hugo").vote(request.id, approve=True)


def locked(estate: Estate) -> bool:
    """Whether something is still being done: locks are let go of when its end is on record."""
    assert estate.ledger is not None
    with contextlib.closing(sqlite3.connect(estate.ledger)) as ledger:
        return bool(ledger.execute("select count(*) from locks").fetchone()[0])
