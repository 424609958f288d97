"""What a listing says of a container, to a node."""

from __future__ import annotations

import msgspec
import pytest

from calmtui.fleet.node import State
from calmtui.providers.docker.actions import ACTIONS, OF_CONTAINER, OF_PROJECT
from calmtui.providers.docker.nodes import Detail, Entry, condition, container, worth_inspecting


def entry(**fields: object) -> Entry:
    """A container as the engine lists it, `State`, `Status` and others given."""
    listed = {"Id": "8e00d5e1f506aa", "Names": ["/web-1"], "State": "running", "Status": "Up 3 hours"} | fields
    return msgspec.convert(listed, Entry)


@pytest.mark.parametrize(
    ("state", "status", "detail", "expected", "reason"),
    [
        ("running", "Up 3 hours", None, State.RUNNING, ""),
        ("running", "Up 3 hours (healthy)", None, State.RUNNING, ""),
        ("running", "Up 2 seconds (health: starting)", None, State.PENDING, "health check has not passed yet"),
        ("running", "Up 3 hours (unhealthy)", None, State.DEGRADED, "unhealthy"),
        ("running", "Up 3 hours (unhealthy)", Detail(0, probe="no db"), State.DEGRADED, "unhealthy: no db"),
        ("paused", "Up 3 hours (Paused)", None, State.STOPPED, "paused"),
        ("created", "Created", None, State.STOPPED, "never started"),
        ("created", "Created", Detail(0, error="no such file"), State.FAILED, "could not start: no such file"),
        ("exited", "Exited (0) 2 days ago", None, State.STOPPED, "exited 0"),
        ("exited", "Exited (1) 2 days ago", None, State.FAILED, "exited 1"),
        ("exited", "Exited (143) 1 second ago", None, State.STOPPED, "exited 143 (TERM)"),
        ("exited", "Exited (137) 1 second ago", None, State.STOPPED, "exited 137 (KILL)"),
        ("exited", "Exited (137) 1 second ago", Detail(2, out_of_memory=True), State.FAILED, "exited 137 (OOM)"),
        ("exited", "Exited (139) 1 second ago", None, State.FAILED, "exited 139 (SEGV)"),
        ("exited", "Exited (127) now", Detail(0, error="exec: no"), State.FAILED, "exited 127: exec: no"),
        ("restarting", "Restarting (1) 4 seconds ago", Detail(7), State.FAILED, "restarting, exited 1"),
        ("removing", "Removal In Progress", None, State.STOPPING, "being removed"),
        ("dead", "Dead", None, State.FAILED, "dead: the engine could not remove it"),
        ("hibernating", "?", None, State.UNKNOWN, "the engine says 'hibernating'"),
    ],
)
def test_a_state_comes_to_one_of_ours_with_its_reason(
    state: str, status: str, detail: Detail | None, expected: State, reason: str
) -> None:
    assert condition(entry(State=state, Status=status), detail) == (expected, reason)


def test_only_what_the_listing_leaves_open_is_inspected() -> None:
    assert not worth_inspecting(entry())
    assert not worth_inspecting(entry(State="exited", Status="Exited (0) 2 days ago"))
    assert worth_inspecting(entry(State="exited", Status="Exited (137) 2 days ago"))
    assert worth_inspecting(entry(State="restarting", Status="Restarting (1) 2 seconds ago"))
    assert worth_inspecting(entry(Status="Up 3 hours (unhealthy)"))


def test_a_node_carries_what_an_operator_looks_for() -> None:
    node = container(
        "engine",
        entry(
            Image="shop/web:1.9",
            Command="serve --password hunter2 --port 80",
            Created=1_700_000_000,
            Ports=[
                {"PrivatePort": 443, "Type": "tcp"},
                {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
                {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
            ],
            Labels={"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "api_token": "s3cret"},
            NetworkSettings={"Networks": {"shop_default": {"IPAddress": "172.18.0.3"}, "none": {"IPAddress": ""}}},
        ),
        Detail(7),
        99.0,
    )
    assert (node.id, node.parent) == ("docker:engine/web-1", "docker:engine/compose/shop")
    assert (node.image, node.created, node.restarts, node.observed_at) == ("shop/web:1.9", 1_700_000_000.0, 7, 99.0)
    assert node.addresses == ("172.18.0.3",)
    assert node.facts["ports"] == "0.0.0.0:8080→80/tcp, [::]:8080→80/tcp, 443/tcp"
    assert "hunter2" not in repr(node)
    assert "s3cret" not in repr(node)


def test_a_container_goes_by_its_own_name_and_not_by_a_links_alias() -> None:
    assert entry(Names=["/front/db", "/db-1"]).name == "db-1"
    assert entry(Names=None).name == "8e00d5e1f506"


def test_nulls_of_the_engine_are_taken_for_nothing() -> None:
    node = container("engine", entry(Labels=None, Ports=None, NetworkSettings={"Networks": None}), None, 0.0)
    assert node.labels == {}
    assert node.addresses == ()


def test_every_action_that_a_node_may_list_is_in_the_catalogue() -> None:
    catalogue = {action.name: action for action in ACTIONS}
    listed = {name for names in OF_CONTAINER.values() for name in names} | set(OF_PROJECT)
    assert listed == set(catalogue)
    assert all(action.undo in {None, *catalogue} for action in ACTIONS)


def test_an_undo_is_allowed_in_the_state_that_its_action_leads_to() -> None:
    leads_to = {"start": "running", "stop": "exited", "pause": "paused", "unpause": "running", "kill": "exited"}
    for action in ACTIONS:
        if action.undo is not None:
            assert action.undo in OF_CONTAINER[leads_to[action.name]]


def test_a_container_goes_by_its_id_and_runs_on_the_engine() -> None:
    node = container("e", entry(), None, 1.0)
    assert (node.aliases, node.runs_on) == (("container:8e00d5e1f506aa",), "docker:e")
