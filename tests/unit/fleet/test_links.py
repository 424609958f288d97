"""Links: what is the same machine and what only looks so; what runs on what; the index after any storm of changes."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.link import Link, Relation
from calmtui.fleet.linked import linked as linked_to
from calmtui.fleet.links import Links
from calmtui.fleet.matcher import Matcher
from calmtui.fleet.node import Node, State
from calmtui.fleet.sameness import CROWD
from calmtui.fleet.update import Delta, Snapshot


def host(name: str, *addresses: str, source: str = "fleet", aliases: tuple[str, ...] = (), hostname: str = "") -> Node:
    labels = {"hostname": hostname} if hostname else {}
    return Node(f"ssh:{source}/{name}", "host", name, source, labels=labels, addresses=addresses, aliases=aliases)


def instance(number: int, name: str, *addresses: str, source: str = "cloud") -> Node:
    node_id = f"aws:{source}/eu/i-{number}"
    return Node(node_id, "instance", name, source, addresses=addresses, aliases=(f"ec2:i-{number}",))


def machine(name: str, *addresses: str, aliases: tuple[str, ...] = (), source: str = "prod") -> Node:
    return Node(f"k8s:{source}/node/{name}", "node", name, source, addresses=addresses, aliases=aliases)


def engine(name: str, *addresses: str, aliases: tuple[str, ...] = ()) -> Node:
    return Node("docker:build", "engine", name, "build", addresses=addresses, aliases=aliases)


def pod(name: str, on: Node, container: str) -> list[Node]:
    """A pod with one container of that id."""
    own = Node(f"k8s:prod/shop/pod/{name}", "pod", name, "prod", runs_on=on.id)
    inner = Node(f"{own.id}/main", "container", "main", "prod", own.id, aliases=(f"container:{container}",))
    return [own, inner]


def docker(name: str, container: str) -> Node:
    node_id = f"docker:build/{name}"
    return Node(node_id, "container", name, "build", aliases=(f"container:{container}",), runs_on="docker:build")


def fleet_of(*nodes: Node) -> Fleet:
    fleet = Fleet()
    for source in {node.source for node in nodes}:
        fleet.apply(source, [Snapshot("", [node for node in nodes if node.source == source])])
    return fleet


def told(links: list[Link]) -> dict[str, str]:
    """Name to relation and why; a guess ends in a question mark."""
    return {link.node.name: f"{link.relation} {link.why}{'?' if link.guess else ''}" for link in links}


def linked(node: Node, *others: Node) -> dict[str, str]:
    return told(Links(fleet_of(node, *others)).of(node))


# -- one machine ------------------------------------------------------------------------

WEB = instance(1, "web-1", "10.0.0.7", "ip-10-0-0-7.internal")


def test_a_host_with_the_same_address_is_the_machine() -> None:
    assert linked(WEB, host("edge", "10.0.0.7"), host("far", "10.0.0.8")) == {"edge": "is same address 10.0.0.7"}


def test_an_address_that_differs_in_case_only_is_the_same() -> None:
    assert linked(WEB, host("edge", "IP-10-0-0-7.internal")) == {"edge": "is same address ip-10-0-0-7.internal"}


def test_the_provider_id_makes_a_cluster_node_an_instance_and_the_machine_id_makes_it_a_host() -> None:
    node = machine("ip-10-0-0-7", aliases=("ec2:i-1", "machine:3d"))
    found = linked(node, WEB, host("edge", "172.16.1.1", aliases=("machine:3d",)))
    assert found == {"web-1": "is same ec2:i-1", "edge": "is same machine:3d"}


def test_what_a_machine_is_in_one_source_leads_on_to_the_next() -> None:
    node, edge = machine("ip-10-0-0-7", aliases=("ec2:i-1",)), host("edge", "10.0.0.7")
    assert linked(node, WEB, edge)["edge"] == "is same ec2:i-1; of web-1: same address 10.0.0.7"
    assert linked(edge, WEB, node)["ip-10-0-0-7"] == "is same address 10.0.0.7; of web-1: same ec2:i-1"


def test_a_shared_name_is_a_guess_and_says_so_and_leads_no_further() -> None:
    node = machine("db.internal", aliases=("machine:3d",))
    named = host("edge", hostname="DB")
    assert linked(named, node, instance(5, "db")) == {"db.internal": "is same name db?", "db": "is same name db?"}
    assert linked(named, node, host("twin", source="old", aliases=("machine:3d",))).keys() == {"db.internal"}


def test_addresses_that_every_machine_has_link_nothing() -> None:
    local = instance(2, "lab", "127.0.0.1", "169.254.1.1", "::1")
    assert linked(local, host("web-1", "127.0.0.1", "::1"), host("web-2", "169.254.1.1")) == {}


def test_of_several_hosts_at_one_address_the_one_of_the_same_name_is_sure() -> None:
    found = linked(WEB, host("gate", "10.0.0.7"), host("web-1", "10.0.0.7"))
    assert found == {"web-1": "is same address 10.0.0.7", "gate": "is same address 10.0.0.7, which others have too?"}


def test_two_accounts_with_the_same_addresses_and_names_make_it_a_guess() -> None:
    edge = host("web-1", "10.0.0.7")
    found = linked(edge, WEB, instance(2, "web-1", "10.0.0.7", source="staging"))
    assert found == {"web-1": "is same address 10.0.0.7, which others have too?"}
    assert Links(fleet_of(edge, WEB, instance(2, "web-1", "10.0.0.7", source="staging"))).ids(WEB) == {edge.id}


def test_ids_that_differ_outweigh_a_shared_address_and_name() -> None:
    mine = host("web-1", "10.0.0.7", "172.17.0.1", aliases=("ec2:i-9", "machine:aa"))
    assert linked(mine, WEB, host("web-1", "172.17.0.1", source="old", aliases=("machine:bb",))) == {}


def test_the_instance_counts_before_the_machine_id_which_images_are_cloned_with() -> None:
    node = machine("n", aliases=("ec2:i-1", "machine:in-a-container"))
    assert linked(node, host("edge", aliases=("ec2:i-1", "machine:3d"))) == {"edge": "is same ec2:i-1"}
    assert linked(node, host("edge", aliases=("ec2:i-2", "machine:in-a-container"))) == {}


def test_a_machine_id_that_several_have_is_a_guess_and_that_a_crowd_has_tells_nothing() -> None:
    def clones(count: int) -> list[Node]:
        return [host(f"web-{number}", aliases=("machine:3d",)) for number in range(count)]

    few = linked(engine("vm", aliases=("machine:3d",)), *clones(2))
    assert few == dict.fromkeys(["web-0", "web-1"], "is same machine:3d, which others have too?")
    assert linked(engine("vm", aliases=("machine:3d",)), *clones(CROWD)) == {}


# -- the host of a machine ----------------------------------------------------------------


def test_the_host_is_found_through_what_is_sure_before_what_is_guessed() -> None:
    links = Links(fleet_of(WEB, host("web-1", "10.9.9.9"), host("edge", "10.0.0.7")))
    link = links.host_of(WEB)
    assert link is not None
    assert (link.node.name, link.told) == ("edge", "same address 10.0.0.7")


def test_one_guess_is_a_host_that_says_so_and_two_are_none() -> None:
    link = Links(fleet_of(WEB, host("web-1", "10.9.9.9"))).host_of(WEB)
    assert link is not None
    assert (link.guess, link.told) == (True, "same name web-1, a guess")
    assert Links(fleet_of(WEB, host("gate", "10.0.0.7"), host("edge", "10.0.0.7"))).host_of(WEB) is None
    assert Links(fleet_of(WEB)).host_of(WEB) is None


# -- what runs on what ----------------------------------------------------------------------

NODE = machine("edge-7", "10.0.0.7")
RUNNING = (NODE, engine("vm"), *pod("web", NODE, "3f2a"), docker("k8s_main_web", "3f2a"), host("edge", "10.0.0.7"))


def test_an_engine_is_the_cluster_node_whose_containers_it_runs() -> None:
    found = linked(NODE, *RUNNING[1:])
    assert found == {
        "vm": "is both run main", "edge": "is same address 10.0.0.7",
        "web": "runs as prod says", "k8s_main_web": "runs as build says",
    }  # fmt: skip
    assert linked(RUNNING[1], *RUNNING)["edge-7"] == "is both run k8s_main_web"


def test_a_pod_leads_to_its_node_to_the_engine_and_to_its_container_there() -> None:
    found = linked(RUNNING[2], *RUNNING)
    assert found == {
        "edge-7": "runs on as prod says", "edge": "runs on same address 10.0.0.7", "vm": "runs on both run main",
        "k8s_main_web": "holds container main",
    }  # fmt: skip


def test_a_container_of_an_engine_leads_to_its_pod_and_to_what_the_cluster_calls_its_machine() -> None:
    found = linked(RUNNING[4], *RUNNING)
    assert found == {
        "main": "is same container:3f2a", "web": "is held by container main", "vm": "runs on as build says",
        "edge-7": "runs on as prod says",
        "edge": "runs on both run k8s_main_web; of edge-7: same address 10.0.0.7",
    }  # fmt: skip


def test_an_engine_without_the_containers_of_a_cluster_is_not_its_node() -> None:
    others = (NODE, engine("vm"), *pod("web", NODE, "3f2a"), docker("mine", "77"))
    assert linked(NODE, *others) == {"web": "runs as prod says"}


def test_links_follow_the_fleet() -> None:
    fleet = fleet_of(WEB)
    links = Links(fleet)
    assert links.of(WEB) == []
    fleet.apply("fleet", [Delta("", [host("edge", "10.0.0.7")])])
    assert told(links.of(WEB)) == {"edge": "is same address 10.0.0.7"}
    fleet.apply("fleet", [Delta("", [host("edge", "10.0.0.9")])])
    assert links.of(WEB) == []
    fleet.apply("cloud", [Delta("", [instance(1, "edge")])])
    assert told(links.of(fleet.nodes[WEB.id])) == {"edge": "is same name edge?"}
    fleet.apply("fleet", [Delta("", gone=["ssh:fleet/edge"])])
    assert links.of(fleet.nodes[WEB.id]) == []


# -- any storm ------------------------------------------------------------------------------

KINDS = {"cloud": "instance", "fleet": "host", "prod": "node", "build": "engine", "apps": "pod", "engines": "container"}


@st.composite
def things(draw: st.DrawFn) -> Node:
    """A node of which other sources may know much, little, or what contradicts it."""
    source = draw(st.sampled_from(sorted(KINDS)))
    ids = [f"{source}:{number}" for number in range(3)]
    machines = st.sampled_from(["", *(f"{on}:{number}" for on in ("prod", "build") for number in range(3))])
    pods = st.none() | st.sampled_from([f"apps:{number}" for number in range(3)])
    aliases = st.lists(st.sampled_from(["ec2:1", "ec2:2", "machine:1", "container:1", "container:2"]), max_size=2)
    inner = source in ("apps", "engines")
    return Node(
        draw(st.sampled_from(ids)),
        KINDS[source],
        draw(st.sampled_from(["a", "b", "a.net"])),
        source,
        draw(pods) if source == "engines" else None,
        addresses=tuple(draw(st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2", "127.0.0.1"]), max_size=2))),
        aliases=tuple(draw(aliases)),
        runs_on=draw(machines) if inner else "",
    )


STORMS = st.lists(st.lists(things() | st.sampled_from([f"{s}:{n}" for s in KINDS for n in range(3)]), max_size=6))


def apply(fleet: Fleet, storm: list[list[Node | str]]) -> None:
    """Put the nodes, drop the ids."""
    for change in itertools.chain.from_iterable(storm):
        source = change.partition(":")[0] if isinstance(change, str) else change.source
        delta = Delta("", gone=[change]) if isinstance(change, str) else Delta("", [change])
        fleet.apply(source, [delta])


@given(STORMS)
def test_after_any_storm_the_index_finds_what_a_new_one_finds(storm: list[list[Node | str]]) -> None:
    fleet = Fleet()
    followed = Links(fleet)
    for batch in storm:
        apply(fleet, [batch])
        fresh = Links(fleet)
        for node in fleet:
            links = fresh.of(node)
            assert followed.of(node) == links
            assert followed.ids(node) == {link.node.id for link in links}
        fresh.close()


@given(STORMS, st.sets(st.sampled_from([f"{s}:{n}" for s in KINDS for n in range(3)])))
def test_linked_selects_what_asking_for_each_link_of_each_node_does(
    storm: list[list[Node | str]], chosen: set[str]
) -> None:
    fleet = Fleet()
    apply(fleet, storm[:1])
    links = Links(fleet)
    links.read(0.0)
    linked_once = linked_to(links, Matcher(lambda nodes: [node.id in chosen for node in nodes]))
    linked_twice = linked_to(links, linked_once)
    for batch in [[], *storm[1:]]:
        apply(fleet, [batch])
        fresh = Links(fleet)
        once = {node.id for node in fleet if any(link.node.id in chosen for link in fresh.of(node))}
        twice = {node.id for node in fleet if any(link.node.id in once for link in fresh.of(node))}
        fresh.close()
        assert {node.id for node in fleet if linked_once(node)} == once
        assert {node.id for node in fleet if linked_twice(node)} == twice
        anew = linked_to(links, linked_to(links, linked_once))
        thrice = {node.id for node in fleet if any(other in twice for other in links.ids(node))}
        assert {node.id for node in anew.among(fleet)} == thrice


def test_what_is_selected_by_its_state_is_asked_again_when_that_changes() -> None:
    fleet = fleet_of(WEB, host("edge", "10.0.0.7"))
    failed = linked_to(Links(fleet), Matcher(lambda nodes: [node.state is State.FAILED for node in nodes]))
    assert not failed(WEB)
    fleet.apply("fleet", [Delta("", [msgspec.structs.replace(host("edge", "10.0.0.7"), state=State.FAILED)])])
    assert failed(WEB)


def test_a_link_shows_the_other_node_as_it_is_now() -> None:
    fleet = fleet_of(WEB, host("edge", "10.0.0.7"))
    links = Links(fleet)
    assert [link.node.state for link in links.of(WEB)] == [State.UNKNOWN]
    fleet.apply("fleet", [Delta("", [msgspec.structs.replace(host("edge", "10.0.0.7"), state=State.FAILED)])])
    assert [link.node.state for link in links.of(WEB)] == [State.FAILED]


def test_an_index_that_is_read_in_slices_misses_no_change_meanwhile() -> None:
    fleet = fleet_of(*(host(f"web-{number}", f"10.1.{number >> 8}.{number & 255}") for number in range(1000)))
    links = Links(fleet)
    asked = 0
    while not links.read(0.0):
        moved = host(f"web-{asked}", f"10.2.0.{asked}")
        fleet.apply("fleet", [Delta("", [moved], gone=[f"ssh:fleet/web-{999 - asked}"])])
        asked += 1
    assert asked > 1
    fleet.apply("cloud", [Delta("", [instance(number, f"i-{number}", f"10.2.0.{number}") for number in range(asked)])])
    for number in range(asked):
        assert [link.node.name for link in links.of(fleet.nodes[f"aws:cloud/eu/i-{number}"])] == [f"web-{number}"]


@given(st.lists(things(), max_size=9, unique_by=lambda node: node.id))
def test_what_a_naive_search_finds_is_linked_and_what_ids_contradict_is_never_the_same(given_nodes: list[Node]) -> None:
    links = Links(fleet_of(*given_nodes))
    for node in given_nodes:
        found = {link.node.id: link.relation for link in links.places(node)}
        for other in given_nodes:
            if other.id != node.id and shared(node, other) and not contradicts(node, other):
                assert other.id in found
            if contradicts(node, other):
                assert found.get(other.id) is not Relation.SAME


def test_what_machines_hang_under_is_not_linked_to_what_they_are() -> None:
    region = Node("aws:cloud/eu", "region", "eu", "cloud")
    below = Node("aws:cloud/eu/i-1", "instance", "web-1", "cloud", region.id, aliases=("ec2:i-1",))
    assert linked(region, below, machine("edge-7", aliases=("ec2:i-1",))) == {}


@pytest.mark.parametrize("missing", [None, 0, 2, 3, 4, 5])  # an engine and its containers come together
def test_links_go_both_ways(missing: int | None) -> None:
    nodes = [node for number, node in enumerate(RUNNING) if number != missing]
    links = Links(fleet_of(*nodes))
    pairs = {(node.id, other) for node in nodes for other in links.ids(node)}
    inner = RUNNING[3].id  # what hangs under a pod is not repeated by its machine
    assert {(one, other) for one, other in pairs if (other, one) not in pairs and inner not in (one, other)} == set()


def shared(node: Node, other: Node) -> bool:
    """Whether anything that two nodes say of themselves is the same, found without any index."""
    if set(node.aliases) & set(other.aliases):
        return True
    machines = {"instance", "host", "node", "engine"}
    if node.source == other.source or not {node.kind, other.kind} <= machines:
        return False
    addresses = (set(node.addresses) & set(other.addresses)) - {"127.0.0.1"}
    return bool(addresses) or node.name.partition(".")[0] == other.name.partition(".")[0]


def contradicts(node: Node, other: Node) -> bool:
    """Whether the first kind of id that both have is another."""
    for authority in ("ec2:", "machine:", "container:"):
        ours, theirs = ({alias for alias in one.aliases if alias.startswith(authority)} for one in (node, other))
        if ours and theirs:
            return not ours & theirs
    return False
