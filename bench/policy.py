"""What policy says of 10,000 nodes, off the loop: how long it takes, and how long the loop waits meanwhile."""

from __future__ import annotations

import asyncio
import time

from bench.report import report
from calmtui.fleet.node import Node
from calmtui.governance.decide import Circumstances, Question, Subject, decide
from calmtui.governance.identity import Who
from calmtui.governance.policies import compiled

NODES = 10_000
RULES = """
permit (principal in Group::"ops", action, resource);
permit (principal, action == Action::"restart", resource) when { resource.env == "test" };
@approvals("1") forbid (principal, action, resource) when { resource.production && context.danger >= 2 };
forbid (principal, action in Action::"change", resource) when { context.frozen } unless { context.break_glass };
forbid (principal, action, resource) when { resource.hasTag("tier") && resource.getTag("tier") == "db" };
"""


def main(argv: list[str]) -> None:
    """`python -m bench policy [NODES]`."""
    asyncio.run(_measure(int(argv[0]) if argv else NODES))


async def _measure(count: int) -> None:
    policies = compiled({"bench.cedar": RULES}, ["restart"])
    nodes = [
        Node(
            f"ssh:web/{n}",
            "host",
            f"web-{n}",
            "web",
            env=("prod", "test")[n % 2],
            labels={"tier": ("web", "db")[n % 3 % 2]},
        )
        for n in range(count)
    ]
    question = Question("restart", nodes, Circumstances(danger=1, targets=count), [()] * count)
    deciding = asyncio.create_task(
        asyncio.to_thread(decide, policies, Subject(Who("anna"), frozenset({"ops"})), question)
    )
    began = last = time.perf_counter()
    longest = 0.0
    while not deciding.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    report("policy", f"decisions for {count:,} nodes", time.perf_counter() - began, "s")
    report("policy", "longest wait of the loop meanwhile", longest * 1000, "ms")
