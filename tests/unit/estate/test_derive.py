"""Rules fill env, service and region; a source's defaults fill what is left."""

from __future__ import annotations

from calmtui.estate.derive import rules
from calmtui.estate.model import DEFAULT_RULES
from calmtui.fleet.node import Node


def _node(**fields: object) -> Node:
    return Node("x", "pod", "x", "prod", **fields)  # type: ignore[arg-type]


def test_the_first_rule_that_finds_something_wins() -> None:
    derive = rules({"env": ("label.stage", "label.env", "name")})
    assert derive(_node(labels={"env": "b", "stage": "a"})).env == "a"
    assert derive(_node(labels={"env": "b", "stage": ""})).env == "b"
    assert derive(_node()).env == "x"


def test_what_a_rule_finds_wins_over_the_provider_and_that_over_a_default() -> None:
    derive = rules({"region": ("label.region",)}, {"prod": {"region": "default", "env": "production"}})
    assert derive(_node(region="provider", labels={"region": "label"})).region == "label"
    assert derive(_node(region="provider")).region == "provider"
    assert derive(_node()).region == "default"
    assert derive(_node()).env == "production"


def test_defaults_are_for_the_nodes_of_their_source_alone() -> None:
    assert rules({}, {"staging": {"env": "staging"}})(_node()).env == ""


def test_a_node_that_nothing_changes_is_the_same_object() -> None:
    node = _node(region="eu")
    assert rules(DEFAULT_RULES, {"prod": {"region": "us"}})(node) is node


def test_the_usual_labels_are_known_without_any_rule() -> None:
    node = rules(DEFAULT_RULES)(_node(labels={"app.kubernetes.io/name": "web", "Environment": "production"}))
    assert (node.service, node.env) == ("web", "production")
