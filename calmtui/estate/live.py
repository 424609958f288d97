"""A live estate: its fleet, its open sources, and who can do what for a node. Screens and commands share it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar, cast

from calmtui import providers
from calmtui.errors import CalmError
from calmtui.estate.derive import rules
from calmtui.estate.model import Estate
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.links import Links
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.source import Health, SourceStatus
from calmtui.providers.base import Action, Ask, Opening, Source, ask_nobody
from calmtui.providers.gather import Gatherer

Ability = TypeVar("Ability")
SLICE = 0.01
"""Seconds of indexing after which keys and sources have their turn."""


class LiveEstate:
    """An estate being gathered. Enter it to connect, leave it to let go of every connection."""

    def __init__(self, estate: Estate, *, ask: Ask = ask_nobody, fleet: Fleet | None = None) -> None:
        self.fleet = fleet if fleet is not None else Fleet()
        self.declare(estate)
        self.gatherer = Gatherer(self.fleet, ())
        self._ask = ask
        self.changed_at: Callable[[NodeId], float | None] = lambda node_id: None
        """When a node last changed; whoever keeps the history puts in what it knows."""
        self.saved_queries: dict[str, str] = {}
        """Queries that the operator has saved, by name; whoever keeps them puts them in."""

    def declare(self, estate: Estate) -> None:
        """Take in the estate, before it is entered: a console paints what it remembers first, then reads the file."""
        self.estate = estate
        self.fleet.derive = rules(estate.derive, {spec.name: spec.defaults for spec in estate.sources})

    async def __aenter__(self) -> LiveEstate:
        await self.gatherer.__aenter__()
        for name in set(self.fleet.sources) - {spec.name for spec in self.estate.sources if spec.enabled}:
            self.fleet.forget_source(name)  # remembered from when it was in the estate, and on
        for spec in self.estate.sources:
            if not spec.enabled:
                self.fleet.set_source(SourceStatus(spec.name, spec.provider, Health.OFF))
                continue
            opening = Opening(spec.name, spec.options, self.estate.folder, self._ask)
            try:
                self.gatherer.start(providers.load(spec.provider).open(opening))
            except (CalmError, ImportError) as error:  # the others are not harmed by one that cannot be opened
                known = self.fleet.sources.get(spec.name)
                confirmed_at = known.confirmed_at if known else None
                status = SourceStatus(spec.name, spec.provider, Health.STALE, str(error), confirmed_at=confirmed_at)
                self.fleet.set_source(status)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.gatherer.__aexit__(*exc)

    @cached_property
    def links(self) -> Links:
        """What is the same, and what runs on what. Who asks before `index_links` has ended waits for the index."""
        return Links(self.fleet)

    async def index_links(self) -> None:
        """Make the index of the links, in slices: others have their turn in between."""
        while not self.links.read(SLICE):  # noqa: ASYNC110 -- this does the work, it waits for nobody
            await asyncio.sleep(0)

    def source(self, node: Node) -> Source | None:
        """The open source of a node; None when it could not be opened."""
        return self.gatherer.sources.get(node.source)

    def able(self, node: Node, ability: Callable[..., Ability]) -> Ability | None:
        """The node's source as one of the protocols of `providers.base`, when it and the node offer it."""
        assert isinstance(ability, type)  # declared as a callable because mypy takes no protocol for `type[Ability]`
        source = self.source(node)
        if not isinstance(source, ability):
            return None
        name = ability.__name__.lower()
        return cast(Ability, source) if name == "lifecycle" or name in node.offers else None

    def actions(self) -> dict[str, dict[str, Action]]:
        """The catalogue: for each source that is open, by name, the actions of its provider by name."""
        return {
            name: {action.name: action for action in providers.load(source.kind).actions}
            for name, source in self.gatherer.sources.items()
        }
