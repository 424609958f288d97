"""The tree at 100,000 nodes beside Textual's stock Tree: CPU time to the paint, memory, keys while much changes.

Each side is a process of its own on 120x40, with every paint turned into what a terminal would get.
Figures are CPU milliseconds of the process from the key or the change to the end of its paint, and
MB that the process holds, its nodes included. What the stock Tree cannot do has no peer.
"""

from __future__ import annotations

from bench.lab.side import run
from bench.report import report

NODES, FEWER = 100_000, 50_000
SECONDS = 10
PEER = "textual.widgets.Tree"


def main(argv: list[str]) -> None:
    """`python -m bench tree [SECONDS]`: how long changes stream in; ten minutes show that memory stays flat."""
    ours, stock = (run(f"bench.lab.{side}", str(NODES)) for side in ("our_tree", "stock_tree"))
    for metric, value in ours.items():
        _tell(f"{NODES:,} nodes: {metric}", value, stock.get(metric))
    ours, stock = (run(f"bench.lab.{side}", str(FEWER)) for side in ("our_tree", "stock_tree"))
    _tell(f"{FEWER:,} nodes: insert one", ours["insert one"], stock["insert one"])
    for metric, value in run("bench.lab.our_stream", str(NODES), argv[0] if argv else str(SECONDS)).items():
        _tell(f"{NODES:,} nodes, 1,000 changes/s: {metric}", value, None)


def _tell(metric: str, value: float, peer: float | None) -> None:
    unit = "MB" if "rss" in metric else "" if metric.endswith("number") else "ms"
    report("tree", metric, value, unit, PEER if peer is not None else "", peer)
