"""The estates that come with calmtui load, editors accept them, and the schema is that of the models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from calmtui.estate.load import load_file
from calmtui.estate.schema import BUILT_IN, schema
from tests.unit.estate.broken import BROKEN

INVENTORY = Path(__file__).parents[3] / "inventory"
EXAMPLES = sorted(INVENTORY.glob("examples/*/estate.yaml"))
SCHEMA = INVENTORY / "estate.schema.json"


def _marked(text: str) -> list[str]:
    """What an editor marks in a file; editors read YAML as PyYAML does."""
    validator = jsonschema.Draft202012Validator(schema())
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.parent.name)
def test_an_example_loads_and_an_editor_finds_nothing_wrong_with_it(file: Path) -> None:
    estate = load_file(file, {})
    assert estate.sources
    assert estate.description
    assert _marked(file.read_text()) == []


def test_the_examples_show_every_provider() -> None:
    assert len(EXAMPLES) >= 4
    shown = {source.provider for file in EXAMPLES for source in load_file(file, {}).sources}
    assert shown == set(BUILT_IN)


def test_every_example_names_the_schema_for_editors() -> None:
    for file in EXAMPLES:
        first = file.read_text().splitlines()[0]
        assert (file.parent / first.partition("$schema=")[2]).resolve() == SCHEMA


def test_the_schema_is_that_of_the_models() -> None:
    printed = subprocess.check_output([sys.executable, "-m", "calmtui.estate.schema"], text=True)
    assert SCHEMA.read_text() == printed, "run `python -m calmtui.estate.schema > inventory/estate.schema.json`"


def test_the_schema_is_a_json_schema_and_describes_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    for name, definition in json.loads(SCHEMA.read_text())["$defs"].items():
        for field, about in definition["properties"].items():
            described = about.get("description") or field == "provider"
            assert described, f"{name}.{field} has no docstring"


@pytest.mark.parametrize(
    "case", ["unknown keys inside", "name", "read_only", "provider unknown", "docker host", "derive"]
)
def test_an_editor_marks_what_the_program_refuses(case: str) -> None:
    text, _ = BROKEN[case]
    assert _marked(str(text))


def test_the_policies_of_the_examples_say_what_their_examples_expect() -> None:
    from calmtui.governance import examples, rulebook

    folder = INVENTORY / "examples/governed"
    answers = examples.answered(
        rulebook.load(load_file(folder / "estate.yaml", {})), examples.load(folder / "examples.yaml")
    )
    assert len(answers) >= 7
    assert [answer.example.name for answer in answers if not answer.as_expected] == []
