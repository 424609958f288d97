"""What consoles remember: exactly, privately, two at once, and through damage."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, State, clean
from calmtui.fleet.source import Health, SourceStatus
from calmtui.store import database, last_fleet, marks, views
from calmtui.store.database import StoreError
from calmtui.store.migrations import migrations

WORDS = st.text(max_size=12)
NODES = st.builds(
    lambda **fields: clean(Node(**fields)),
    id=st.text(min_size=1, max_size=20),
    kind=WORDS,
    name=WORDS,
    source=st.sampled_from(["a", "b"]),
    parent=st.none() | WORDS,
    state=st.sampled_from(State),
    labels=st.dictionaries(WORDS, WORDS, max_size=3),
    addresses=st.lists(WORDS, max_size=2).map(tuple),
    created=st.none() | st.floats(0, 1e11),
    restarts=st.none() | st.integers(0, 1 << 40),
    facts=st.dictionaries(WORDS, WORDS, max_size=2),
    observed_at=st.floats(0, 1e11),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 53), 1 << 53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEEP_FIXTURE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


def _node(number: int, source: str = "a") -> Node:
    return Node(f"ssh:{source}/web-{number:05}", "host", f"web-{number:05}", source, labels={"app": "web"})


def _save(path: Path, nodes: list[Node], source: str = "a", estate: str = "e") -> None:
    status = SourceStatus(source, "ssh", Health.LIVE, confirmed_at=5.0, nodes=len(nodes))
    last_fleet.save(estate, [status], {source: nodes}, only={source}, path=path)


# -- the last known fleet -----------------------------------------------------------


@KEEP_FIXTURE
@given(nodes=st.lists(NODES, max_size=8, unique_by=lambda node: node.id))
def test_a_fleet_comes_back_as_it_was_saved(path: Path, nodes: list[Node]) -> None:
    statuses = [SourceStatus(name, "ssh", Health.STALE, error="x", confirmed_at=7.0, nodes=1) for name in "ab"]
    by_source = {name: [node for node in nodes if node.source == name] for name in "ab"}
    last_fleet.save("e", statuses, by_source, only="ab", path=path)
    loaded, sources = last_fleet.load("e", path=path)
    assert loaded == by_source["a"] + by_source["b"]
    assert sources == [SourceStatus(name, "ssh", Health.CONNECTING, confirmed_at=7.0, nodes=1) for name in "ab"]


def test_nothing_stored_is_an_empty_fleet_and_makes_no_file(path: Path) -> None:
    assert last_fleet.load("e", path=path) == ([], [])
    assert not path.parent.exists()


def test_a_source_that_left_the_estate_is_forgotten_and_others_are_kept(path: Path) -> None:
    both = [SourceStatus(name, "ssh", confirmed_at=1.0) for name in "ab"]
    last_fleet.save("e", both, {"a": [_node(1)], "b": [_node(2, "b")]}, only="ab", path=path)
    last_fleet.save("e", both[:1], {}, only="a", path=path)
    nodes, sources = last_fleet.load("e", path=path)
    assert [node.source for node in nodes] == ["a"]
    assert [source.name for source in sources] == ["a"]


def test_estates_do_not_see_each_others_fleets(path: Path) -> None:
    _save(path, [_node(1)], estate="prod")
    _save(path, [_node(2)], estate="staging")
    assert last_fleet.load("prod", path=path)[0] == [_node(1)]


def test_rows_that_this_program_cannot_read_are_left_out_and_the_rest_is_shown(path: Path) -> None:
    _save(path, [_node(number) for number in range(last_fleet.PART + 1)])
    with sqlite3.connect(path) as connection:
        connection.execute("update nodes set nodes = x'c1' where part = 0")
    assert last_fleet.load("e", path=path)[0] == [_node(last_fleet.PART)]


def test_ten_thousand_nodes_are_read_without_sqlite_utils_in_a_blink(path: Path) -> None:
    _save(path, [_node(number) for number in range(10_000)])
    code = (
        "import sys, time; from pathlib import Path; from calmtui.store import last_fleet, marks, views\n"
        f"begun = time.perf_counter(); nodes, _ = last_fleet.load('e', path=Path({str(path)!r}))\n"
        "print(len(nodes), time.perf_counter() - begun, 'sqlite_utils' in sys.modules, 'pydantic' in sys.modules)"
    )
    count, seconds, *heavy = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert (count, heavy) == ("10000", ["False", "False"])
    assert float(seconds) < 0.3  # 0.02 s on a quiet machine; ten times that is another algorithm


# -- marks and views ------------------------------------------------------------------


@KEEP_FIXTURE
@given(st.sets(st.text().map(lambda text: text.encode("utf-8", "replace").decode()), max_size=6))
def test_marks_come_back_and_replace_those_before(path: Path, ids: set[str]) -> None:
    marks.save("e", {"before"}, path=path)
    marks.save("e", ids, path=path)
    assert marks.load("e", path=path) == ids
    assert marks.load("another", path=path) == set()


@KEEP_FIXTURE
@given(value=JSON)
def test_a_view_comes_back_and_other_names_stay(path: Path, value: object) -> None:
    views.save("e", {"folds": ["x"], "grouping": "old"}, path=path)
    views.save("e", {"grouping": value}, path=path)
    assert views.load("e", path=path) == {"folds": ["x"], "grouping": value}


# -- the file ---------------------------------------------------------------------------


def test_the_file_and_its_folder_are_the_users_alone(path: Path) -> None:
    old = os.umask(0)
    try:
        marks.save("e", {"a"}, path=path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("state.db*")} == {0o600}


def test_the_version_that_is_read_is_the_number_of_migrations() -> None:
    assert len(migrations.pending(Database(memory=True))) == database.VERSION


def test_a_database_of_a_newer_program_is_refused_and_left_alone(path: Path) -> None:
    marks.save("e", {"a"}, path=path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"pragma user_version = {database.VERSION + 1}")
    for use in (lambda: marks.load("e", path=path), lambda: marks.save("e", (), path=path)):
        with pytest.raises(StoreError, match="newer calmtui"):
            use()
    with sqlite3.connect(path) as connection:
        assert connection.execute("select node from marks").fetchall() == [("a",)]


def test_what_the_first_release_stored_is_still_there_after_an_upgrade(path: Path) -> None:
    path.parent.mkdir()
    old = Database(path)
    migrations.apply(old, stop_before=[migration.name for migration in migrations.pending(old)][1])
    old.table("marks").insert({"estate": "e", "node": "a"})
    old.execute("pragma user_version = 1")
    old.close()
    assert marks.load("e", path=path) == {"a"}
    assert migrations.pending(Database(path)) == []


def test_an_empty_file_is_a_database_to_begin_with(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert marks.load("e", path=path) == set()
    marks.save("e", {"a"}, path=path)
    assert marks.load("e", path=path) == {"a"}


@pytest.mark.parametrize("use", ["load", "save"])
def test_a_file_that_is_no_database_is_set_aside_whole_and_the_next_use_works(path: Path, use: str) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(StoreError, match="damaged") as raised:
        marks.load("e", path=path) if use == "load" else marks.save("e", {"a"}, path=path)
    (aside,) = path.parent.glob("state.db.damaged-*")
    assert aside.name in str(raised.value)
    assert aside.read_bytes() == b"not a database at all" * 1000
    marks.save("e", {"a"}, path=path)
    assert marks.load("e", path=path) == {"a"}


def test_pages_overwritten_inside_are_noticed_and_set_aside(path: Path) -> None:
    _save(path, [_node(number) for number in range(5_000)])
    data = bytearray(path.read_bytes())
    data[4096 : len(data) // 2] = os.urandom(len(data) // 2 - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):
        last_fleet.load("e", path=path)
    assert list(path.parent.glob("state.db.damaged-*"))


def test_a_folder_that_may_not_be_written_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match=r"state\.db"):
        marks.save("e", {"a"}, path=tmp_path / "state" / "state.db")


def test_a_console_that_waits_too_long_for_another_is_told_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks.save("e", {"a"}, path=path)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path)
    other.execute("begin immediate")
    with pytest.raises(StoreError, match="another console is writing"):
        marks.save("e", {"b"}, path=path)
    assert marks.load("e", path=path) == {"a"}  # readers do not wait
    other.close()


# -- several consoles -----------------------------------------------------------------------


def _write_many(path: Path, source: str, times: int) -> None:
    for number in range(times):
        status = SourceStatus(source, "ssh", confirmed_at=float(number))
        last_fleet.save("e", [status], {source: [_node(n, source) for n in range(200 + number)]}, only="ab", path=path)
        marks.save(source, {f"{source}-{number}"}, path=path)


def test_two_processes_that_begin_and_write_at_once_lose_nothing(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_many, args=(path, source, 15)) for source in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    nodes, sources = last_fleet.load("e", path=path)
    assert len(nodes) == 2 * 214
    assert [source.confirmed_at for source in sources] == [14.0, 14.0]
    assert marks.load("a", path=path) | marks.load("b", path=path) == {"a-14", "b-14"}
    assert database.check(path) == ""
    assert not list(path.parent.glob("*.damaged-*"))


def _save_and_die(path: Path, turn: int, statement: int) -> None:
    """Save nodes that carry the number of their turn; kill this process before a statement of SQLite's."""
    connect, counted = database._connect, itertools.count()

    def traced(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(lambda _: next(counted) < statement or os.kill(os.getpid(), signal.SIGKILL))
        return connection

    database._connect = traced
    _save(path, [Node(f"{number}", "host", str(turn), "a") for number in range(3 * last_fleet.PART)])


def test_a_console_killed_at_any_statement_of_a_save_leaves_a_whole_fleet(path: Path) -> None:
    """A mixture of two saves would show in the nodes' names."""
    fork = multiprocessing.get_context("fork")
    deaths = 0
    _save(path, [Node(f"{number}", "host", "first", "a") for number in range(3 * last_fleet.PART)])
    for turn in itertools.count():
        child = fork.Process(target=_save_and_die, args=(path, turn, turn))
        child.start()
        child.join(30)
        nodes, _ = last_fleet.load("e", path=path)
        assert len(nodes) == 3 * last_fleet.PART
        assert len({node.name for node in nodes}) == 1
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        deaths += 1
    assert nodes[0].name == str(turn)
    assert deaths > 8
    assert database.check(path) == ""


# -- keeping it true ----------------------------------------------------------------------------


def test_what_is_restored_is_stale_until_its_source_confirms_it(path: Path) -> None:
    _save(path, [_node(1)])
    fleet = Fleet()
    fleet.restore(*last_fleet.load("e", path=path))
    (node,) = fleet
    assert fleet.is_stale(node)
