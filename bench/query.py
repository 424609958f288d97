"""1,000 different queries over 100,000 nodes: milliseconds each, compiling included, no peer."""

from __future__ import annotations

import random
import statistics
import time

from bench.report import report
from calmtui.fleet.node import Node, State
from calmtui.fleet.query import Surroundings, compile_query

NODES = 100_000
QUERIES = 1_000
_SERVICES = [f"svc-{number:03d}" for number in range(200)]
_KINDS = ["pod", "container", "host", "deployment", "instance"]
_ENVS = ["production", "staging", "test"]


def _node(number: int, rng: random.Random) -> Node:
    kind, service, env = rng.choice(_KINDS), rng.choice(_SERVICES), rng.choice(_ENVS)
    name = f"{service}-{number:06d}"
    return Node(
        id=f"k8s:prod/{env}/{kind}/{name}", kind=kind, name=name, source=f"source-{number % 12}",
        state=rng.choice(list(State)), labels={"app": service, "tier": rng.choice("abc"), "rev": str(number % 50)},
        addresses=(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",), image=f"shop/{service}:1.{number % 40}",
        env=env, service=service, region=rng.choice(["eu-west-1", "us-east-1"]), created=1e9 + number,
        restarts=rng.randrange(9),
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
    return " ".join(f"{'not ' if rng.random() < 0.2 else ''}{rng.choice(terms)()}" for _ in range(rng.randrange(1, 4)))


def main(argv: list[str]) -> None:
    rng = random.Random(7)
    nodes = [_node(number, rng) for number in range(NODES)]
    around = Surroundings(now=lambda: 1e9 + 2 * NODES)
    compile_query("kind=pod")  # the grammar is read once a process
    costs = []
    for text in {_query(rng): None for _ in range(QUERIES * 2)}:
        began = time.perf_counter()
        chosen = compile_query(text, around)
        sum(map(chosen, nodes))
        costs.append((time.perf_counter() - began) * 1000)
        if len(costs) == QUERIES:
            break
    report("query", "median", statistics.median(costs), "ms")
    report("query", "p99", sorted(costs)[int(len(costs) * 0.99)], "ms")
    report("query", "worst", max(costs), "ms")
