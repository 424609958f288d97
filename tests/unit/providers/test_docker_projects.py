"""Compose projects: what their members come to, and in which order they are started."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.node import State
from calmtui.providers.docker.nodes import Entry, container
from calmtui.providers.docker.projects import project, waves

STATUS = {
    "running": "Up 3 hours",
    "exited": "Exited (0) now",
    "failed": "Exited (1) now",
    "starting": "Up 1 second (health: starting)",
    "unhealthy": "Up 1 hour (unhealthy)",
}


def member(service: str, condition: str = "running", *, needs: str = "", one_off: bool = False) -> Entry:
    state = {"failed": "exited", "exited": "exited"}.get(condition, "running")
    labels = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": service,
        "com.docker.compose.depends_on": needs,
        "com.docker.compose.oneoff": str(one_off),
    }
    listed = {"Id": service, "Names": [f"/{service}"], "State": state, "Status": STATUS[condition], "Labels": labels}
    return msgspec.convert(listed, Entry)


@pytest.mark.parametrize(
    ("conditions", "state", "reason"),
    [
        (["running", "running"], State.RUNNING, ""),
        (["running", "exited"], State.RUNNING, "1 of 2 running"),
        (["exited", "exited"], State.STOPPED, ""),
        (["running", "failed"], State.DEGRADED, "s1: exited 1"),
        (["failed", "failed", "failed"], State.FAILED, "s0: exited 1 and 2 more"),
        (["running", "unhealthy"], State.DEGRADED, "s1: unhealthy"),
        (["running", "starting"], State.PENDING, "1 of 2 running"),
    ],
)
def test_a_project_is_what_its_members_come_to(conditions: list[str], state: State, reason: str) -> None:
    members = [container("e", member(f"s{n}", condition), None, 0.0) for n, condition in enumerate(conditions)]
    node = project("e", "shop", members, 0.0)
    assert (node.state, node.reason) == (state, reason)


def test_what_compose_run_left_does_not_count() -> None:
    entries = [member("web"), member("job", "failed", one_off=True)]
    assert project("e", "shop", [container("e", entry, None, 0.0) for entry in entries], 0.0).state is State.RUNNING
    assert [[entry.id for entry in wave] for wave in waves(entries)] == [["web"]]


def test_a_project_allows_what_some_member_allows() -> None:
    members = [container("e", member("web"), None, 0.0), container("e", member("db", "exited"), None, 0.0)]
    assert project("e", "shop", members, 0.0).actions == ("start", "stop", "restart")


def test_services_start_after_those_they_need() -> None:
    needs = "db:service_healthy:false,cache:service_started:true,outside:service_started:false"
    order = waves([member("web", needs=needs), member("cache", needs="db:service_started:false"), member("db")])
    assert [[entry.id for entry in wave] for wave in order] == [["db"], ["cache"], ["web"]]


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.sets(NAMES)))
def test_no_member_is_forgotten_whatever_they_depend_on(needs: dict[str, set[str]]) -> None:
    members = [
        member(name, needs=",".join(f"{other}:service_started:false" for other in sorted(others)))
        for name, others in needs.items()
    ]
    order = waves(members)
    assert sorted(entry.id for wave in order for entry in wave) == sorted(needs)
    if len(order) > 1:
        begun: set[str] = set()
        for wave in order:
            assert all(needs[entry.id] & needs.keys() <= begun for entry in wave)
            begun |= {entry.id for entry in wave}
