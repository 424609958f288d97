"""What stays with the node, on the real screen: cursor, its height, marks and folds, whatever comes and goes around."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, NodeId, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Delta
from calmtui.tui.app import CalmApp
from tests.tui.fleet_app import console, press, until

SIZE = (80, 24)
SPACES = [f"k8s:prod/space-{number}" for number in range(3)]
DEPLOYMENTS = [f"{space}/deployment/web-{number}" for space in SPACES for number in range(2)]
pods = st.builds("{}/pod/{:02}".format, st.sampled_from(DEPLOYMENTS), st.integers(0, 19))
steps = st.one_of(
    st.sampled_from(["j", "k", "pagedown", "pageup", "g", "G", "left", "right", "space"]),
    st.tuples(st.sets(pods, max_size=12), st.sets(pods, max_size=12)),
)


def node(node_id: NodeId, parent: NodeId | None) -> Node:
    *_, kind, name = node_id.split("/")
    return Node(node_id, kind, name, "prod", parent, State.RUNNING)


def pod(node_id: NodeId) -> Node:
    return node(node_id, node_id.partition("/pod/")[0])


def estate() -> Fleet:
    fleet = Fleet()
    fleet.set_source(SourceStatus("prod", "kubernetes", Health.LIVE))
    above = [node(space, None) for space in SPACES] + [
        node(one, one.partition("/deployment/")[0]) for one in DEPLOYMENTS
    ]
    below = [pod(f"{one}/pod/{number:02}") for one in DEPLOYMENTS for number in range(0, 20, 3)]
    fleet.apply("prod", [Delta("", put=[*above, *below])])
    return fleet


def visible(app: CalmApp) -> set[NodeId]:
    return {row.id for row in app.fleet_screen.outline.rows}


@settings(max_examples=12)
@given(st.lists(steps, min_size=4, max_size=14))
def test_what_is_looked_at_stays_where_it_is_when_rows_come_and_go(
    storm: list[str | tuple[set[NodeId], set[NodeId]]],
) -> None:
    asyncio.run(looked_at(storm))


async def looked_at(storm: list[str | tuple[set[NodeId], set[NodeId]]]) -> None:
    app = console(estate())
    fleet, screen, tree = app.live.fleet, app.fleet_screen, app.fleet_screen.tree_view
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "Z", "j")
        for step in storm:
            if isinstance(step, str):
                await press(pilot, step)
                continue
            row = tree.row
            assert row is not None
            new = step[0] - fleet.nodes.keys()
            gone = (step[1] & fleet.nodes.keys()) - {row.id}
            seen, known, marked = visible(app), set(fleet.nodes) - gone, set(screen.marks)
            height = tree.cursor - tree.scroll_offset.y
            fleet.apply("prod", [Delta("", put=[pod(one) for one in new], gone=list(gone))])
            await until(pilot, lambda: all(map(screen.outline.row, new)) and not any(map(screen.outline.row, gone)))  # noqa: B023
            assert tree.row is row
            assert tree.scroll_offset.y == max(min(tree.cursor - height, tree.max_scroll_y), 0)
            assert screen.marks == marked
            assert visible(app) & known == seen & known
