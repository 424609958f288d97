"""What an engine says of itself, to its node."""

from __future__ import annotations

import msgspec

from calmtui.fleet.node import State
from calmtui.providers.docker.about import Info, engine_node
from calmtui.providers.docker.nodes import Entry
from calmtui.providers.docker.table import Table

INFO = Info(name="edge-7", version="20.10.24", system="Debian GNU/Linux 12 (bookworm)", cpus=2, memory=1 << 30)


def listed(**containers: str) -> list[Entry]:
    return [msgspec.convert({"Id": name, "State": state}, Entry) for name, state in containers.items()]


def test_an_engine_is_called_by_its_host_and_known_by_its_address_and_machine() -> None:
    node = engine_node("prod", INFO, address="10.2.4.7", machine="3d12")
    assert (node.id, node.kind, node.name, node.image) == ("docker:prod", "engine", "edge-7", "Docker 20.10.24")
    assert (node.addresses, node.aliases) == (("10.2.4.7",), ("machine:3d12",))
    assert node.facts == {"os": "Debian GNU/Linux 12 (bookworm)", "cpus": "2", "memory": "1.0 GiB"}


def test_an_engine_that_says_nothing_of_itself_goes_by_its_source_and_is_no_trouble() -> None:
    node = engine_node("prod", Info(), reason="it says nothing of itself: forbidden by the proxy")
    assert (node.name, node.state) == ("prod", State.RUNNING)
    assert node.reason


def test_an_engine_counts_its_containers_as_they_come_and_go() -> None:
    table = Table("prod")
    table.engine = engine_node("prod", INFO)
    table.list_all(listed(a="running", b="exited"))
    counts = [node.facts["containers"] for node in table.snapshot(1.0).nodes if node.kind == "engine"]
    assert counts == ["2, 1 running"]
    table.list_some({"b"}, [])
    assert [node.facts["containers"] for node in table.delta(2.0).put] == ["1, 1 running"]
    assert table.delta(3.0).put == []
