"""What a node is linked to, by its keys; and the way back and forth between nodes."""

from __future__ import annotations

import time

import pytest

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Delta, Snapshot
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.links import LinksScreen
from calmtui.tui.widgets.rows import Rows
from tests.tui.fleet_app import NOW, at, console, names, press, said, type_text, until

WIDE = (140, 40)
NODE = "k8s:prod/node/ip-10-2-4-7"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


def machines() -> Fleet:
    """A pod on a cluster's node, which is an instance, which is a host; and a host that only has such a name."""
    fleet = Fleet()
    pod = Node("k8s:prod/shop/pod/web-1", "pod", "web-1", "prod", "k8s:prod/shop", State.FAILED, runs_on=NODE)
    known = [
        Node("k8s:prod/shop", "namespace", "shop", "prod", None, State.RUNNING),
        pod,
        Node(NODE, "node", "ip-10-2-4-7", "prod", None, State.RUNNING, aliases=("ec2:i-0ab12",)),
        Node("aws:cloud/eu", "region", "eu", "cloud", None, State.RUNNING),
        Node(
            "aws:cloud/eu/i-0ab12", "instance", "i-0ab12", "cloud", "aws:cloud/eu", State.RUNNING,
            aliases=("ec2:i-0ab12",), addresses=("10.2.4.7",),
        ),
        Node("ssh:edge/edge-7", "host", "edge-7", "edge", None, State.DEGRADED, addresses=("10.2.4.7",)),
        Node("ssh:old/ip-10-2-4-7", "host", "ip-10-2-4-7", "old", None, State.RUNNING),
    ]  # fmt: skip
    for name in ("prod", "cloud", "edge", "old"):
        fleet.set_source(SourceStatus(name, "lab", Health.LIVE, confirmed_at=NOW))
        fleet.apply(name, [Snapshot("", [node for node in known if node.source == name])], now=NOW)
    return fleet


def rows(app: CalmApp) -> list[str]:
    shown = app.screen.query_one(Rows)
    return [" ".join(shown.render_line(y).text.split()) for y in range(shown.count)]


def detail(app: CalmApp) -> str:
    return app.fleet_screen.detail._text.render().plain  # type: ignore[union-attr]


async def test_x_lists_links_and_enter_goes_to_one_and_the_brackets_back_and_forth() -> None:
    app = console(machines())
    async with app.run_test(size=WIDE) as pilot:
        app.fleet_screen.go_to("k8s:prod/shop/pod/web-1")
        await press(pilot, "x")
        assert isinstance(app.screen, LinksScreen)
        assert rows(app) == [
            "▌runs on ● ip-10-2-4-7 node prod running as prod says",
            "runs on ● i-0ab12 instance cloud running same ec2:i-0ab12",
            "runs on ▲ edge-7 host edge degraded same ec2:i-0ab12; of i-0ab12: same address 1…",
            "runs on ● ip-10-2-4-7 host old running a guess: same name ip-10-2-4-7",
        ]
        await press(pilot, "j", "j")
        why = "ssh:edge/edge-7: same ec2:i-0ab12; of i-0ab12: same address 10.2.4.7"
        assert app.screen.query_one("#why").render().plain == why  # type: ignore[union-attr]
        await press(pilot, "enter")
        assert at(app) == "edge-7"
        await press(pilot, "left_square_bracket")
        assert at(app) == "web-1"
        await press(pilot, "right_square_bracket")
        assert at(app) == "edge-7"
        await press(pilot, "right_square_bracket")
        assert "nothing was looked at after" in said(app)


async def test_esc_leaves_the_links_where_one_was() -> None:
    app = console(machines())
    async with app.run_test(size=WIDE) as pilot:
        app.fleet_screen.go_to(NODE)
        await press(pilot, "x", "j", "escape")
        assert app.screen is app.fleet_screen
        assert at(app) == "ip-10-2-4-7"


async def test_a_link_out_of_the_filter_is_gone_to_all_the_same() -> None:
    app = console(machines())
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "slash")
        await type_text(pilot, "kind=pod")
        await press(pilot, "enter", "x", "j", "enter")
        assert at(app) == "i-0ab12"
        assert not app.fleet_screen.bar.text


async def test_a_node_without_links_says_so() -> None:
    app = console(machines())
    async with app.run_test(size=WIDE) as pilot:
        app.fleet_screen.go_to("aws:cloud/eu")
        await press(pilot, "x")
        assert said(app).startswith("eu is linked to nothing that is known")


async def test_the_links_follow_the_fleet_and_the_cursor_stays_with_its_node() -> None:
    app = console(machines())
    async with app.run_test(size=WIDE) as pilot:
        app.fleet_screen.go_to(NODE)
        await press(pilot, "x", "j")
        assert "edge-7" in rows(app)[1]
        app.live.fleet.apply("cloud", [Delta("", gone=["aws:cloud/eu/i-0ab12"])], now=NOW)
        app.live.fleet.apply("edge", [Delta("", [_edge("10.2.4.7", aliases=("ec2:i-0ab12",))])], now=NOW)
        await until(pilot, lambda: "edge-7" in rows(app)[0])
        assert rows(app)[0].startswith("▌is ● edge-7")


def _edge(address: str, **more: tuple[str, ...]) -> Node:
    return Node("ssh:edge/edge-7", "host", "edge-7", "edge", None, State.RUNNING, addresses=(address,), **more)  # type: ignore[arg-type]


async def test_the_overview_leads_from_a_pod_to_its_machine_and_a_guess_is_a_maybe() -> None:
    app = console(machines())
    async with app.run_test(size=(180, 40)) as pilot:
        app.fleet_screen.go_to("k8s:prod/shop/pod/web-1")
        await until(pilot, lambda: "instance" in detail(app))
        node = next(line for line in detail(app).splitlines() if line.startswith("node "))
        assert node.split(maxsplit=1)[1] == (
            "ip-10-2-4-7 (prod) → instance i-0ab12 (cloud) → host edge-7 (edge) → maybe host ip-10-2-4-7 (old)"
        )
        app.fleet_screen.go_to("ssh:edge/edge-7")
        await until(pilot, lambda: "is " in detail(app))
        line = next(line for line in detail(app).splitlines() if line.startswith("is "))
        assert line.split(maxsplit=1)[1] == "instance i-0ab12 (cloud) → node ip-10-2-4-7 (prod)"


async def test_the_second_line_says_what_leads_to_the_cursor_beside_the_filter_too() -> None:
    app = console(machines())
    async with app.run_test(size=WIDE) as pilot:
        app.fleet_screen.go_to("k8s:prod/shop/pod/web-1")
        await press(pilot)
        assert path(app) == "prod ▸ shop ▸ web-1"
        await press(pilot, "slash")
        await type_text(pilot, "kind=pod")
        await press(pilot, "enter")
        assert path(app) == "prod ▸ shop ▸ web-1"
        await press(pilot, "b")
        assert path(app).split(" ▸ ")[-1] == "web-1"
        assert path(app) != "prod ▸ shop ▸ web-1"


def path(app: CalmApp) -> str:
    return app.fleet_screen.bar.query_one(".filter--path").render().plain  # type: ignore[union-attr]


async def test_linked_selects_in_the_filter() -> None:
    app = console(machines())
    async with app.run_test(size=WIDE) as pilot:
        app.fleet_screen.viewing.action_filter("linked(kind=host and state=degraded)")
        await pilot.pause()
        assert {"web-1", "ip-10-2-4-7", "i-0ab12"} <= set(names(app))
        assert "edge-7" not in names(app)
