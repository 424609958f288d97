from __future__ import annotations

from calmtui.fleet.links import host_of
from calmtui.fleet.node import Node


def host(name: str, *addresses: str) -> Node:
    return Node(id=f"ssh:fleet/{name}", kind="host", name=name, source="fleet", addresses=addresses)


INSTANCE = Node(
    id="aws:c/eu/i-1", kind="instance", name="web-1", source="c", addresses=("10.0.0.7", "ip-10-0-0-7.internal")
)


def test_a_host_with_the_same_address_is_the_machine() -> None:
    link = host_of(INSTANCE, [host("edge", "10.0.0.7"), host("web-1", "10.0.0.8")])
    assert link is not None
    assert (link.node.name, link.why, link.guess) == ("edge", "same address 10.0.0.7", False)


def test_a_name_that_differs_in_case_only_is_the_same_address() -> None:
    link = host_of(INSTANCE, [host("edge", "IP-10-0-0-7.internal")])
    assert link is not None
    assert not link.guess


def test_the_same_name_is_a_guess_and_says_so() -> None:
    link = host_of(INSTANCE, [host("web-1", "10.9.9.9"), host("web-2")])
    assert link is not None
    assert (link.node.name, link.why, link.guess) == ("web-1", "same name, a guess", True)


def test_addresses_that_every_machine_has_link_nothing() -> None:
    local = Node(id="aws:c/eu/i-2", kind="instance", name="lab", source="c", addresses=("127.0.0.1", "169.254.1.1"))
    assert host_of(local, [host("web-1", "127.0.0.1"), host("web-2", "169.254.1.1")]) is None


def test_several_hosts_at_one_address_are_told_apart_by_name_or_not_at_all() -> None:
    both = [host("gate", "10.0.0.7"), host("web-1", "10.0.0.7")]
    link = host_of(INSTANCE, both)
    assert link is not None
    assert link.node.name == "web-1"
    assert host_of(INSTANCE, [host("gate", "10.0.0.7"), host("edge", "10.0.0.7")]) is None


def test_other_instances_are_no_hosts() -> None:
    assert host_of(INSTANCE, [INSTANCE]) is None
