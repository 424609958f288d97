"""The blueprints that come with calmtui load, and editors accept them."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from calmtui.blueprints.bind import bind
from calmtui.blueprints.load import load_file
from calmtui.blueprints.schema import schema

INVENTORY = Path(__file__).parents[3] / "inventory"
FILES = sorted(INVENTORY.glob("**/blueprints/*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(INVENTORY)) for file in FILES])
def test_it_loads_in_each_of_its_environments(file: Path) -> None:
    blueprint = load_file(file)
    for environment in blueprint.declared.environments:
        assert bind(blueprint, environment).tiers
    validator = jsonschema.Draft202012Validator(schema())
    assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text()))] == []


def test_there_are_examples() -> None:
    assert {file.parent.parent.name for file in FILES} >= {"demo", "shop"}
