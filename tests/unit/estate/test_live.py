"""A live estate begins with what is remembered of it, less what is no longer in it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from calmtui import providers
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.fleet.source import Health, SourceStatus
from calmtui.providers.base import Misconfigured, Opening, Source


@dataclass(frozen=True)
class _Closed:
    """A provider whose sources cannot be opened."""

    error: Exception

    def open(self, opening: Opening) -> Source:
        raise self.error


@pytest.fixture(autouse=True, params=[Misconfigured("no such file"), ImportError("no such file")])
def closed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "load", lambda kind: _Closed(request.param))


def _remembered(*sources: str) -> Fleet:
    fleet = Fleet()
    fleet.restore(
        [Node(f"ssh:{name}/h", "host", "h", name) for name in sources],
        [SourceStatus(name, "ssh", confirmed_at=5.0, nodes=1) for name in sources],
    )
    return fleet


async def test_a_source_that_cannot_be_opened_keeps_its_last_known_nodes_and_their_age() -> None:
    async with LiveEstate(Estate("e", (SourceSpec("a", "ssh", None),)), fleet=_remembered("a")) as live:
        status = live.fleet.sources["a"]
        assert (status.health, status.confirmed_at, status.nodes) == (Health.STALE, 5.0, 1)
        assert "no such file" in status.error
        assert [node.source for node in live.fleet] == ["a"]


async def test_what_is_remembered_of_a_source_that_left_the_estate_or_is_off_goes() -> None:
    estate = Estate("e", (SourceSpec("a", "ssh", None), SourceSpec("off", "ssh", None, enabled=False)))
    async with LiveEstate(estate, fleet=_remembered("a", "off", "left")) as live:
        assert [node.source for node in live.fleet] == ["a"]
        assert {name: status.health for name, status in live.fleet.sources.items()} == {
            "a": Health.STALE,
            "off": Health.OFF,
        }


async def test_defaults_of_a_source_reach_its_nodes() -> None:
    spec = SourceSpec("a", "ssh", None, defaults={"env": "production"})
    live = LiveEstate(Estate("e", (spec,)))
    assert live.fleet.derive is not None
    assert live.fleet.derive(Node("ssh:a/h", "host", "h", "a")).env == "production"
