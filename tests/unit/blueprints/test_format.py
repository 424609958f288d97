"""What is wrong with a blueprint file is said all at once, each at its place, with what would be right."""

# ruff: noqa: E501 -- what is said stands in one piece, as an operator reads it

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from calmtui.blueprints import order
from calmtui.blueprints.load import load_file
from calmtui.blueprints.schema import schema
from calmtui.estate.problems import EstateError
from calmtui.runbooks.steps.kinds import EACH

SCHEMA = Path(__file__).parents[3] / "inventory" / "blueprint.schema.json"
HEAD = "blueprint: x\nsummary: s\n"
TIERS = "tiers:\n  a: {query: service=a}\n"
THERE = "environments:\n  test: {query: env=test}\n"

WHOLE = """
blueprint: x
summary: The shop
query: "service=shop-*"
variables: {port: 8080, version: "1.9.1"}
tiers:
  web: {query: "service=shop-web", needs: api, expect: {count: 8, version: "{{ version }}", version_by: "cat /srv/VERSION"}, at_once: 25%}
  api:
    query: "service=shop-api"
    needs: [db]
    expect: {count: {min: 2}, image: "shop/api:{{ version }}", state: [running, pending], labels: {track: stable}}
    check: {http: {url: "http://{{ node.address }}:{{ port }}/health"}}
    start: {run: "systemctl start shop; echo {{ cache.address }}", unless: "systemctl is-active shop"}
    restart: [{run: "drain"}, {action: restart}]
    within: 2m
  db: {query: "service=shop-db", check: {tcp: "{{ node.address }}:5432"}}
  cache: {query: "service=shop-cache"}
environments:
  staging: {query: "env=staging", variables: {version: "1.9.2"}}
  production: {query: "env=production", tiers: {cache: {expect: {count: 0}}, web: {query: "service=web"}}}
"""

BROKEN: dict[str, tuple[str, list[str]]] = {
    "empty": ("", ["1:1: the file is empty; it begins with 'blueprint:' and 'summary:'"]),
    "no tiers": (HEAD + "tiers: {}\n" + THERE, ["3:8: 'tiers' is empty; it must have at least 1 item"]),
    "a key misspelt": (
        HEAD + "tiers:\n  a: {query: service=a, exepct: {}}\n" + THERE,
        ["4:25: unknown key 'exepct'; allowed: query, needs, expect, check, start, stop, restart, at_once, within; did you mean 'expect'?"],
    ),
    "a tier that there is not": (
        HEAD + "tiers:\n  a: {query: service=a, needs: [dbb]}\n  db: {query: service=b}\n" + THERE,
        ["4:33: there is no tier 'dbb'; allowed: a, db; did you mean 'db'?"],
    ),
    "a tier of an environment that there is not": (
        HEAD + TIERS + "environments:\n  test: {query: env=test, tiers: {aa: {}}}\n",
        ["6:35: there is no tier 'aa'; allowed: a; did you mean 'a'?"],
    ),
    "tiers that need each other": (
        HEAD + "tiers:\n  a: {query: service=a, needs: b}\n  b: {query: service=b, check: {tcp: '{{ a.address }}:1'}}\n" + THERE,
        ["4:32: the tiers need each other: a → b → a; there is no order to start them in"],
    ),
    "a tier that needs itself": (
        HEAD + "tiers:\n  a: {query: service=a, expect: {labels: {next: '{{ a.name }}'}}}\n" + THERE,
        ["4:49: the tiers need each other: a → a; there is no order to start them in"],
    ),
    "a variable misspelt": (
        HEAD + "variables: {version: 1}\ntiers:\n  a: {query: 'service={{ verison }}'}\n" + THERE,
        ["5:14: there is no {{ verison }}; did you mean 'version'?"],
    ),
    "a variable that one environment has not": (
        HEAD + "tiers:\n  a: {query: 'service=a', expect: {version: '{{ v }}'}}\nenvironments:\n  one: {query: env=1, variables: {v: 1}}\n  two: {query: env=2}\n",
        ["4:45: {{ v }} has no value in two; give it in 'variables' of two, or for all of them"],
    ),
    "a node in a query": (
        HEAD + "tiers:\n  a: {query: 'name={{ node.name }}'}\n" + THERE,
        ["4:14: there is no {{ node.name }} yet; the nodes are what is asked for"],
    ),
    "a field of a node": (
        HEAD + "tiers:\n  a: {query: service=a, check: {tcp: '{{ node.adress }}:1'}}\n" + THERE,
        ["4:38: there is no {{ node.adress }}; did you mean 'node.address'?"],
    ),
    "a field of a tier": (
        HEAD + "tiers:\n  a: {query: service=a, check: {tcp: '{{ b.adress }}:1'}}\n  b: {query: service=b}\n" + THERE,
        ["4:38: there is no {{ b.adress }}; did you mean 'b.address'?"],
    ),
    "a count": (
        HEAD + "tiers:\n  a: {query: service=a, expect: {count: {min: 3, max: 2}}}\n  b: {query: service=b, expect: {count: many}}\n" + THERE,
        [
            "4:34: at least 3 and at most 2; 'max' is not less than 'min'",
            "5:41: 'count' is 'many'; it must be a whole number",
        ],
    ),
    "a state": (
        HEAD + "tiers:\n  a: {query: service=a, expect: {state: runing}}\n" + THERE,
        ["4:41: 'state' is 'runing'; it must be 'running', 'pending', 'stopping', 'stopped', 'degraded', 'failed' or 'unknown'; did you mean 'running'?"],
    ),
    "a query": (
        HEAD + "tiers:\n  a: {query: 'service=('}\n" + THERE,
        ["4:14: '(' is not expected here; expected a text in quotes or a value"],
    ),
    "a way that does nothing": (
        HEAD + "tiers:\n  a: {query: service=a, restart: {rnu: ls}}\n" + THERE,
        [f"4:25: a step that does nothing; one of {', '.join(EACH)}; did you mean 'run'?"],
    ),
    "what cannot be quoted": (
        HEAD + "tiers:\n  a: {query: service=a, expect: {version_by: 'cat `ls {{ node.name }}`'}}\n" + THERE,
        ["4:46: nothing can be put in safely behind `; put it into 'env', and use the variable"],
    ),
    "a tier called node": (
        HEAD + "tiers:\n  node: {query: service=a}\n" + THERE,
        ["4:9: 'node' is no name of a parameter; letters, digits and _, and not 'node'"],
    ),
    "a name that is not the file's": (
        "blueprint: y\nsummary: s\n" + TIERS + THERE,
        ["1:12: the blueprint 'y' stands in x.yaml; name it 'x', or the file y.yaml"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_said_with_its_place_and_what_is_allowed(tmp_path: Path, case: str) -> None:
    text, wanted = BROKEN[case]
    file = tmp_path / "x.yaml"
    file.write_text(text)
    with pytest.raises(EstateError) as raised:
        load_file(file)
    assert [str(problem).removeprefix(f"{file}:") for problem in raised.value.problems] == wanted


def test_a_whole_blueprint_loads_with_its_tiers_in_order(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(WHOLE)
    blueprint = load_file(tmp_path / "x.yaml")
    assert blueprint.tiers == ("db", "cache", "api", "web")
    assert blueprint.needs == {"web": ("api",), "api": ("db", "cache"), "db": (), "cache": ()}


names = st.sampled_from("abcdef")


@given(st.permutations("abcdef"), st.dictionaries(names, st.sets(names, max_size=3)))
def test_each_tier_comes_after_all_that_it_needs_or_a_circle_is_shown(
    tiers: list[str], needs: dict[str, set[str]]
) -> None:
    circle = order.cycle(tiers, needs)
    if not circle:
        found = order.order(tiers, needs)
        assert sorted(found) == sorted(tiers)
        assert all(found.index(needed) < found.index(tier) for tier in needs for needed in needs[tier])
        return
    assert circle[0] == circle[-1]
    assert all(later in needs[earlier] for earlier, later in pairwise(circle))
    with pytest.raises(ValueError, match="need each other"):
        order.order(tiers, needs)


@given(st.permutations("abcdef"))
def test_without_needs_the_order_is_as_written(tiers: list[str]) -> None:
    assert order.order(tiers, {}) == tiers


def _marked(text: str) -> list[str]:
    """What an editor marks in a file; editors read YAML as PyYAML does."""
    validator = jsonschema.Draft202012Validator(schema())
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


def test_the_schema_is_that_of_the_models_and_editors_accept_what_loads() -> None:
    printed = subprocess.check_output([sys.executable, "-m", "calmtui.blueprints.schema"], text=True)
    assert SCHEMA.read_text() == printed, "run `python -m calmtui.blueprints.schema > inventory/blueprint.schema.json`"
    assert _marked(WHOLE) == []


@pytest.mark.parametrize("case", ["a key misspelt", "a state", "a way that does nothing", "no tiers"])
def test_an_editor_marks_what_the_program_refuses(case: str) -> None:
    assert _marked(BROKEN[case][0])
