"""Deltas tell the fleet exactly what a new listing would."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.fleet import Fleet
from calmtui.providers.docker.nodes import Detail, Entry
from calmtui.providers.docker.table import Table

IDS = st.sampled_from(["id1", "id2", "id3", "id4"])
CONTAINERS = st.builds(
    lambda name, project, status: msgspec.convert(
        {
            "Names": [f"/{name}"],
            "Labels": {"com.docker.compose.project": project} if project else None,
            "State": "running" if status.startswith("Up") else "exited",
            "Status": status,
        }
        | {"Id": ""},
        Entry,
    ),
    st.sampled_from(["web", "db", "job"]),
    st.sampled_from(["", "shop", "bank"]),
    st.sampled_from(["Up 1 hour", "Up 1 hour (unhealthy)", "Exited (1) now", "Exited (137) now"]),
)
ENGINES = st.dictionaries(IDS, CONTAINERS).map(
    # Names are unique on an engine.
    lambda engine: {
        key: entry
        for key, entry in engine.items()
        if key == min(other for other, one in engine.items() if one.name == entry.name)
    }
)


KILLED = msgspec.convert({"Id": "id1", "Names": ["/job"], "State": "exited", "Status": "Exited (137) now"}, Entry)


def listed(engine: dict[str, Entry]) -> list[Entry]:
    return [msgspec.structs.replace(entry, id=key) for key, entry in engine.items()]


@given(st.lists(ENGINES, min_size=1, max_size=6))
def test_a_fleet_fed_with_deltas_is_that_of_a_new_listing(engines: list[dict[str, Entry]]) -> None:
    table, fleet = Table("e"), Fleet()
    table.list_all(listed(engines[0]))
    fleet.apply("e", [table.snapshot(1.0)])
    for before, after in itertools.pairwise(engines):
        changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        table.list_some(changed, [entry for entry in listed(after) if entry.id in changed])
        fleet.apply("e", [table.delta(1.0)])
        fresh = Table("e")
        fresh.list_all(listed(after))
        assert fleet.nodes == {node.id: node for node in fresh.snapshot(1.0).nodes}


@given(ENGINES)
def test_nothing_is_told_when_nothing_changed(engine: dict[str, Entry]) -> None:
    table = Table("e")
    table.list_all(listed(engine))
    table.snapshot(1.0)
    table.list_all(listed(engine))
    delta = table.delta(2.0)
    assert (delta.put, delta.gone) == ([], [])


def test_an_inspection_is_told_once_and_asked_for_once() -> None:
    table = Table("e")
    table.list_all([KILLED])
    table.snapshot(1.0)
    assert table.puzzling() == {"id1"}
    table.learn({"id1": Detail(2, out_of_memory=True), "gone": Detail(1)})
    assert [node.reason for node in table.delta(2.0).put] == ["exited 137 (OOM)"]
    assert table.delta(3.0).put == []
    assert table.puzzling() == set()


def test_what_was_told_of_a_container_is_forgotten_with_it() -> None:
    table = Table("e")
    table.list_all([KILLED])
    table.learn({"id1": Detail(2, out_of_memory=True)})
    table.list_all([])
    assert table.snapshot(1.0).nodes == []
    table.list_all([KILLED])
    assert table.puzzling() == {"id1"}


def test_what_an_inspection_contradicts_is_to_be_listed_again() -> None:
    table = Table("e")
    table.list_all([msgspec.structs.replace(KILLED, state="running", status="Up 1 second")])
    table.learn({"id1": Detail(state="running")})
    assert table.outdated() == set()
    table.learn({"id1": Detail(state="exited")})
    assert table.outdated() == {"id1"}
    table.list_some({"id1"}, [KILLED])
    assert table.outdated() == set()


def test_an_inspection_that_fails_takes_back_nothing() -> None:
    table = Table("e")
    table.list_all([KILLED])
    table.learn({"id1": Detail(2, state="exited")})
    table.learn({"id1": Detail()})
    assert [node.restarts for node in table.snapshot(1.0).nodes] == [2]


def test_a_container_that_waits_for_its_restart_is_not_settled() -> None:
    table = Table("e")
    table.list_all([msgspec.structs.replace(KILLED, state="restarting", status="Restarting (3) 1 second ago")])
    assert table.unsettled() == {"id1"}
    table.list_some({"id1"}, [KILLED])
    assert table.unsettled() == set()
