"""1,000 different queries over 100,000 nodes: CPU milliseconds each, compiling included, no peer.

Each of 2,000 machines is known to a cloud, to a cluster and by SSH, and all else runs on them. One term in
seven asks for what is linked, half of those for what is linked to that in turn. What was found of links is
kept while nothing that links come from changes; the first query after such a change is reported by itself.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Iterable

from bench.report import report
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.linked import linked
from calmtui.fleet.links import Links
from calmtui.fleet.node import Node, State
from calmtui.fleet.query import Surroundings, compile_query

NODES = 100_000
MACHINES = 2_000
QUERIES = 1_000
_SERVICES = [f"svc-{number:03d}" for number in range(200)]
_KINDS = ["pod", "container", "unit", "deployment", "job"]
_ENVS = ["production", "staging", "test"]


def _machine(number: int, rng: random.Random) -> list[Node]:
    name, address, cluster = f"ip-{number}", (f"10.99.{number >> 8}.{number & 255}",), f"source-{number % 12}"
    cloud, machine = f"ec2:i-{number}", f"machine:{number}"
    return [
        Node(f"aws:cloud/eu/i-{number}", "instance", name, "cloud", addresses=address, aliases=(cloud,)),
        Node(f"ssh:edge/{name}", "host", name, "edge", state=rng.choice(list(State)), addresses=address,
             aliases=(machine,)),
        Node(_id_of_machine(number), "node", name, cluster, addresses=address, aliases=(cloud, machine)),
    ]  # fmt: skip


def _id_of_machine(number: int) -> str:
    return f"k8s:source-{number % 12}/node/ip-{number}"


def _node(number: int, rng: random.Random) -> Node:
    kind, service, env = rng.choice(_KINDS), rng.choice(_SERVICES), rng.choice(_ENVS)
    name = f"{service}-{number:06d}"
    return Node(
        id=f"k8s:prod/{env}/{kind}/{name}", kind=kind, name=name, source=f"source-{number % 12}",
        state=rng.choice(list(State)), labels={"app": service, "tier": rng.choice("abc"), "rev": str(number % 50)},
        addresses=(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",), image=f"shop/{service}:1.{number % 40}",
        env=env, service=service, region=rng.choice(["eu-west-1", "us-east-1"]), created=1e9 + number,
        restarts=rng.randrange(9), runs_on=_id_of_machine(number % MACHINES),
    )  # fmt: skip


def _query(rng: random.Random) -> str:
    terms = [
        lambda: f"kind={rng.choice(_KINDS)}",
        lambda: f"state!={rng.choice(list(State))}",
        lambda: f"label.app={rng.choice(_SERVICES)},{rng.choice(_SERVICES)}",
        lambda: f"service=svc-{rng.randrange(20)}*",
        lambda: f"name~^svc-{rng.randrange(200):03d}-0",
        lambda: f"name~'(svc|web)-[0-9]+{rng.randrange(10)}$'",
        lambda: f"restarts>{rng.randrange(9)}",
        lambda: f"age<{rng.randrange(1, 90)}d",
        lambda: f"image=shop/*:1.{rng.randrange(40)}",
        lambda: f"svc-[{rng.randrange(100):03d}-{rng.randrange(100, 200):03d}]-000{rng.randrange(100, 999)}",
        lambda: f"address=10.{rng.randrange(2)}.*",
        lambda: f"{rng.randrange(9999):04d}",
        lambda: f"env={rng.choice(_ENVS)} and (region=eu-* or restarts<{rng.randrange(9)})",
    ]
    linked = f"kind=host and state={rng.choice(list(State))} and {rng.choice(terms)()}"
    terms += [lambda: f"linked({linked})", lambda: f"linked(linked({linked}))"]
    return " ".join(f"{'not ' if rng.random() < 0.2 else ''}{rng.choice(terms)()}" for _ in range(rng.randrange(1, 4)))


def main(argv: list[str]) -> None:
    rng = random.Random(7)
    fleet = Fleet()
    machines = [node for number in range(MACHINES) for node in _machine(number, rng)]
    fleet.restore([*machines, *(_node(number, rng) for number in range(NODES - len(machines)))], [])
    gc.collect()
    gc.freeze()  # as the console does with what it remembers
    links = Links(fleet)
    links.read()
    around = Surroundings(now=lambda: 1e9 + 2 * NODES, linked=lambda selects: linked(links, selects))
    compile_query("kind=pod")  # the grammar is read once a process
    report("query", "linked, links not yet found", _cost("linked(linked(kind=host))", around, fleet), "ms")
    texts = list({_query(rng): None for _ in range(QUERIES * 2)})[:QUERIES]
    costs = {text: _cost(text, around, fleet) for text in texts}
    _report("", list(costs.values()))
    _report("linked, ", [cost for text, cost in costs.items() if "linked(" in text])


def _cost(text: str, around: Surroundings, nodes: Iterable[Node]) -> float:
    began = time.process_time()
    compile_query(text, around).among(nodes)
    return (time.process_time() - began) * 1000


def _report(which: str, costs: list[float]) -> None:
    report("query", f"{which}median", statistics.median(costs), "ms")
    report("query", f"{which}p99", sorted(costs)[int(len(costs) * 0.99)], "ms")
    report("query", f"{which}worst", max(costs), "ms")
