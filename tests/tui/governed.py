"""A governed estate of the workshop under the console: policies, a ledger, and other people who vote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node
from calmtui.governance.approvals import Approvals, Asked, Request
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.policies import Requirement
from calmtui.governance.trail import Trail
from tests.unit.actions.workshop import Deed, Workshop, closed, node

RULES = """
@id("all") permit (principal, action, resource);
@id("eyes") @approvals("1") forbid (principal, action in Action::"act", resource)
when { resource.env == "production" && !context.break_glass };
@id("never") @advice("ask its owner") forbid (principal, action == Action::"destroy", resource)
when { resource.env == "production" };
"""

WEB = tuple(node(f"web-{number}", env="production", actions=("stop", "destroy", "scale")) for number in (1, 2, 3))
TEST = node("test-1", env="test", actions=("stop", "destroy", "scale"))


async def done(_: Node) -> str:
    """What the workshop does, if no test says otherwise."""
    return "done"


def governed(
    folder: Path, *nodes: Node, rules: str = RULES, deed: Deed = done, **declared: Any
) -> tuple[LiveEstate, Workshop]:
    """An estate with its ledger and policies in a folder, and its one source."""
    policies = folder / "policies"
    policies.mkdir(exist_ok=True)
    (policies / "team.cedar").write_text(rules)
    source = Workshop(deed)
    found = {"ledger": folder / "ledger.db", "policies": policies, **declared}
    return closed(source, *(nodes or (*WEB, TEST)), **found), source


def person(estate: Estate, name: str, *groups: str) -> Approvals:
    """The requests as another person sees them."""
    assert estate.ledger is not None
    who = Who(name, host="their-laptop")
    return Approvals(estate.ledger, Trail(estate.ledger, estate.name, who=who), Subject(who, frozenset(groups)))


def asked_by(estate: Estate, name: str, *nodes: Node, plan: str = "ab" * 32) -> Request:
    """A request of that person, to stop nodes."""
    asked = Asked(
        Who(name, host="their-laptop"), "stop", f"stop of {len(nodes)} nodes", tuple(one.id for one in nodes),
        {"eyes": Requirement(1)}, "the disk is full", {}, ("stop it",), tuple(one.name for one in nodes),
    )  # fmt: skip
    return person(estate, name).ask(plan, asked)
