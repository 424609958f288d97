"""The rulebook of a live estate: its policies and freezes, and who it is that asks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from calmtui import providers
from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node
from calmtui.fleet.production import is_production
from calmtui.fleet.query import compile_query
from calmtui.governance import identity, policies
from calmtui.governance.decide import Circumstances, Question, Subject, Verdict, decide
from calmtui.governance.freezes import Freezes
from calmtui.governance.policies import Policies


class Rulebook:
    """Answers whether something may be done. Raises EstateError when a policy file is wrong."""

    def __init__(self, live: LiveEstate, subject: Subject | None = None) -> None:
        self.policies = load(live.estate)
        self.subject = subject or subject_of(live.estate)
        surroundings = around(live)
        self.freezes = Freezes(live.estate.freezes, lambda query: compile_query(query, surroundings))
        self._selections = {name: compile_query(query, surroundings) for name, query in live.estate.groups.items()}
        self._live = live

    def decide(
        self,
        action: str,
        nodes: Sequence[Node],
        circumstances: Circumstances,
        *,
        lifted: AbstractSet[str] = frozenset(),
    ) -> list[Verdict]:
        """A verdict for each node, as things stand now; `lifted` are the rules that approvals have lifted. Blocks."""
        question = Question(
            action,
            nodes,
            circumstances,
            self.freezes.of(nodes, time.time()),
            stale=self._live.fleet.is_stale,
            selections=lambda node: [name for name, selects in self._selections.items() if selects(node)],
            is_production=is_production,
        )
        return decide(self.policies, self.subject, question, lifted=lifted)


def load(estate: Estate) -> Policies:
    """The policies of an estate. Raises EstateError with everything that is wrong in them."""
    return policies.load(estate.policies, action_names())


def action_names() -> list[str]:
    """Every action of every provider that is installed."""
    return sorted({action.name for name in providers.names() for action in providers.load(name).actions})


def subject_of(estate: Estate) -> Subject:
    """Who runs this program, in the groups of the system and the teams of the estate."""
    who = identity.me()
    teams = {team for team, people in estate.teams.items() if who.name in people}
    return Subject(who, identity.groups() | teams)
