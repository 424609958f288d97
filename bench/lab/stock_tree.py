"""Textual's own Tree at so many nodes: `python -m bench.lab.stock_tree NODES`."""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys

from textual.app import App
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from bench.lab import nodes
from bench.lab.painting import cost, key, memory, running
from calmtui.fleet.node import Node

GONE = 1_000


def filled(made: list[Node]) -> tuple[Tree[Node], dict[str, TreeNode[Node]]]:
    """A tree of these nodes by source, all folded but the first level."""
    tree: Tree[Node] = Tree("estate")
    tree.root.expand()
    sources = {nodes.cluster(number): tree.root.add(nodes.cluster(number)) for number in range(nodes.CLUSTERS)}
    by_id: dict[str, TreeNode[Node]] = {}
    for node in made:
        above = by_id[node.parent] if node.parent else sources[node.source]
        by_id[node.id] = above.add_leaf(node.name, node) if node.kind == "pod" else above.add(node.name, node)
    return tree, by_id


async def main(count: int) -> None:
    made = nodes.nodes(count)
    gc.collect()
    gc.freeze()
    app: App[None] = App()
    task = await running(app)
    trees = []

    def show() -> None:
        trees.append(filled(made))
        app.mount(trees[0][0])
        trees[0][0].focus()

    figures = {"first paint": await cost(app, show, lambda seen: nodes.cluster(0) in seen), "rss, folded": memory()}
    tree, by_id = trees[0]
    figures["expand all"] = await cost(app, tree.root.expand_all, lambda seen: "team-0000" in seen)
    figures["rss, all unfolded"] = memory()
    figures["cursor key"] = statistics.median([await cost(app, key(app, "down"), bool) for _ in range(30)])
    deployment = next(by_id[node.id] for node in made if node.kind == "deployment")

    async def inserted(number: int) -> float:
        name = f"web-0-0new-{number}"
        return await cost(app, lambda: deployment.add_leaf(name, before=0), lambda seen: name in seen)

    figures["insert one"] = statistics.median([await inserted(number) for number in range(3)])
    pods = [by_id[node.id] for node in made if node.kind == "pod" and node.source == nodes.cluster(0)]
    gone = pods[:: len(pods) // GONE][:GONE]

    def remove() -> None:
        for leaf in gone:
            leaf.remove()

    figures["remove 1,000"] = await cost(app, remove, bool)
    figures["rss, at the end"] = memory()
    app.exit()
    await task
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
