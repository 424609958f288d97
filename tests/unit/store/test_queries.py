"""Saved queries: kept by name, replaced, forgotten, and used as @name beside the groups of the estate."""

from __future__ import annotations

from pathlib import Path

import pytest

from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_file
from calmtui.estate.problems import EstateError
from calmtui.fleet.node import Node
from calmtui.fleet.query import compile_query
from calmtui.store import queries, views

ESTATE = """
name: lab
sources: {engine: {provider: docker, host: "unix:///nowhere"}}
groups: {canary: label.track=canary, front: "@canary or service=web"}
"""


def test_a_query_is_kept_replaced_and_forgotten_beside_other_views(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    views.save("e", {"order": "name"}, path=path)
    queries.save("e", "mine", "kind=pod", path=path)
    assert queries.save("e", "mine", "kind=host", path=path) == {"mine": "kind=host"}
    assert queries.load("e", path=path) == {"mine": "kind=host"}
    assert queries.save("e", "mine", "", path=path) == {} == queries.load("e", path=path)
    assert views.load("e", path=path)["order"] == "name"
    assert queries.load("other", path=path) == {}


def test_groups_of_the_estate_and_saved_queries_are_words_of_the_language(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(ESTATE)
    live = LiveEstate(load_file(file))
    live.saved_queries = {"mine": "@front and not b"}
    some = [Node("a", "pod", "a", "engine", labels={"track": "canary"}), Node("b", "pod", "b", "engine", service="web"),
            Node("c", "pod", "c", "engine")]  # fmt: skip
    assert [node.name for node in filter(compile_query("@front", around(live)), some)] == ["a", "b"]
    assert [node.name for node in filter(compile_query("@mine", around(live)), some)] == ["a"]


def test_a_group_that_is_no_query_is_a_mistake_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(ESTATE.replace("label.track=canary", "'kine=pod'"))
    with pytest.raises(EstateError) as caught:
        load_file(file)
    assert f"{file}:4:" in str(caught.value)
    assert "did you mean 'kind'" in str(caught.value)
