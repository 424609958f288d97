"""Links between real backends: a cluster and the engine that runs its pods; EC2 and OpenSSH hosts."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from calmtui import providers
from calmtui.actions.commands import Fanout, Limits
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status
from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.fleet.link import Relation
from calmtui.fleet.node import Node
from calmtui.fleet.query import compile_query
from calmtui.providers.base import Command
from calmtui.tui.shell import shell_node
from tests.conftest import Moto
from tests.integration.aws_live import IRELAND, ec2
from tests.integration.kubernetes_live import delete_namespace, namespace, pod
from tests.lab.docker import DockerEngine
from tests.lab.fleet import SshFleet
from tests.lab.kube import Kube

SPACE = "links"


def spec(name: str, provider: str, **options: Any) -> SourceSpec:
    return SourceSpec(name, provider, providers.load(provider).options()(**options))


@asynccontextmanager
async def gathered(*specs: SourceSpec) -> AsyncIterator[LiveEstate]:
    async with LiveEstate(Estate("lab", specs)) as live:
        assert await live.gatherer.settled(30)
        yield live


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.05)


def linked(live: LiveEstate, node_id: str) -> dict[str, tuple[Relation, bool]]:
    """What a node is linked to: id to relation and whether that is a guess."""
    return {link.node.id: (link.relation, link.guess) for link in live.links.of(live.fleet.nodes[node_id])}


# -- a cluster and its engine -----------------------------------------------------------


@pytest.fixture
def space(kube: Kube) -> Iterator[str]:
    yield namespace(kube, SPACE)
    delete_namespace(kube, SPACE)


def container_of(engine: DockerEngine, name: str) -> tuple[str, str]:
    """Id and name of a pod's container `main`, as Docker's own client has them."""
    wanted = ("pod.namespace=" + SPACE, f"pod.name={name}", "container.name=main")
    filters = [word for label in wanted for word in ("--filter", f"label=io.kubernetes.{label}")]
    [line] = engine.cli("ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}", *filters).splitlines()
    container, _, called = line.partition(" ")
    return container, called


async def test_a_pod_leads_to_its_node_to_the_engine_that_is_it_and_to_the_container_there(
    kube: Kube, docker_engine: DockerEngine, space: str
) -> None:
    kube.apply(pod("web", space), pod("other", space))
    kube.kubectl("wait", "-n", space, "--for=condition=Ready", "pod/web", "pod/other", "--timeout=60s")
    container, called = container_of(docker_engine, "web")
    web, node, engine = f"k8s:lab/{space}/pod/web", "k8s:lab/node/lab-node", "docker:engine"
    inner, twin = f"{web}/main", f"docker:engine/{called}"
    sources = spec("lab", "kubernetes", kubeconfig=kube.kubeconfig), spec("engine", "docker", host=docker_engine.host)
    async with gathered(*sources) as live:
        await until(lambda: {web, node, engine, twin} <= live.fleet.nodes.keys())
        assert live.fleet.nodes[inner].aliases == live.fleet.nodes[twin].aliases == (f"container:{container}",)
        assert linked(live, web) == {
            node: (Relation.RUNS_ON, False), engine: (Relation.RUNS_ON, False), twin: (Relation.HOLDS, False),
        }  # fmt: skip
        assert linked(live, twin) == {
            inner: (Relation.SAME, False), web: (Relation.HELD_BY, False),
            engine: (Relation.RUNS_ON, False), node: (Relation.RUNS_ON, False),
        }  # fmt: skip
        assert linked(live, node)[engine] == (Relation.SAME, False)
        assert linked(live, engine)[node] == (Relation.SAME, False)
        assert linked(live, engine)[web] == (Relation.RUNS, False)

        chosen = compile_query("kind=container source=engine linked(kind=pod and name=web)", around(live))
        assert [found.id for found in live.fleet if chosen(found)] == [twin]

        kube.kubectl("delete", "pod", "web", "-n", space, "--force", "--grace-period=0")
        docker_engine.cli("rm", "-f", container)  # the kubelet would do it within a minute
        await until(lambda: not {web, twin} & live.fleet.nodes.keys())
        assert not {web, twin} & linked(live, engine).keys()


async def test_an_engine_is_a_node_that_describes_itself(docker_engine: DockerEngine) -> None:
    async with gathered(spec("engine", "docker", host=docker_engine.host)) as live:
        node = live.fleet.nodes["docker:engine"]
        assert node.name == docker_engine.cli("info", "--format", "{{.Name}}")
        assert node.image == f"Docker {docker_engine.cli('info', '--format', '{{.ServerVersion}}')}"
        assert node.facts["containers"].split(",")[0] == docker_engine.cli("info", "--format", "{{.Containers}}")
        source: Any = live.source(node)
        assert (await source.describe(node))["ID"] == docker_engine.cli("info", "--format", "{{.ID}}")


# -- instances and hosts --------------------------------------------------------------------


def launch_at(moto: Moto, address: str, name: str) -> str:
    """An instance with that private address; its id."""
    cloud = ec2(moto, IRELAND)
    network = str(ipaddress.ip_network(f"{address}/24", strict=False))
    vpc = cloud.create_vpc(CidrBlock=network)["Vpc"]["VpcId"]
    subnet = cloud.create_subnet(VpcId=vpc, CidrBlock=network)["Subnet"]["SubnetId"]
    answer = cloud.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet, PrivateIpAddress=address,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
    )  # fmt: skip
    return str(answer["Instances"][0]["InstanceId"])


def hosts(fleet: SshFleet, names: str) -> SourceSpec:
    return spec("edge", "ssh", hosts=[names], ssh_config=fleet.ssh_config, user="root")


async def address_of(fleet: SshFleet, name: str) -> str:
    """An address of the host that is not that of every machine, as it says itself."""
    async with gathered(hosts(fleet, name)) as live:
        [host] = [node for node in live.fleet if node.kind == "host"]
    own = [ip for text in host.addresses if not (ip := ipaddress.ip_address(text)).is_loopback and ip.version == 4]
    if not own:
        pytest.skip("this machine has no IPv4 address but loopback")
    return str(own[0])


async def test_an_instance_is_the_host_with_its_address_and_commands_and_shells_go_there(
    moto: Moto, ssh_fleet: SshFleet
) -> None:
    launch_at(moto, await address_of(ssh_fleet, "web-001"), "shop")
    cloud = spec("cloud", "aws", endpoint_url=moto.url, regions=[IRELAND])
    async with gathered(cloud, hosts(ssh_fleet, "web-001")) as live:
        instance = called(live, "instance", "shop")
        link = live.links.host_of(instance)
        assert link is not None
        assert (link.node.name, link.guess) == ("web-001", False)
        assert linked(live, link.node.id)[instance.id] == (Relation.SAME, False)

        outcome = await ran(live, instance)
        assert (outcome.node.id, outcome.status) == (instance.id, Status.OK)
        assert outcome.detail == "through host web-001: web-001"
        assert shell_node(live, instance) == (link.node, f"the host of shop: {link.why}")


async def test_a_host_that_only_has_the_name_is_a_guess_in_which_no_command_runs(
    moto: Moto, ssh_fleet: SshFleet
) -> None:
    launch_at(moto, "10.9.9.9", "web-002")
    cloud = spec("cloud", "aws", endpoint_url=moto.url, regions=[IRELAND])
    async with gathered(cloud, hosts(ssh_fleet, "web-[002-003]")) as live:
        instance = called(live, "instance", "web-002")
        assert linked(live, instance.id) == {"ssh:edge/web-002": (Relation.SAME, True)}
        outcome = await ran(live, instance)
        assert outcome.status is Status.SKIPPED
        assert "ssh:edge/web-002" in outcome.detail
        assert shell_node(live, instance)[1] == "the host of web-002: same name web-002, a guess"


async def ran(live: LiveEstate, node: Node) -> Outcome:
    work = Fanout(Gate(live, read_only=False, through="command"), [node], Command(("hostname",)), Limits())
    await work.admit()
    await work.run()
    return work.execution.outcomes[node.id]


def called(live: LiveEstate, kind: str, name: str) -> Node:
    [found] = [node for node in live.fleet if (node.kind, node.name) == (kind, name)]
    return found
