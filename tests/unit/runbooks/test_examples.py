"""The runbooks that come with calmtui load, and editors accept them."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from calmtui.estate.load import load_file as load_estate
from calmtui.runbooks.load import load
from calmtui.runbooks.schema import schema

INVENTORY = Path(__file__).parents[3] / "inventory"
FILES = sorted(INVENTORY.glob("**/runbooks/*.yaml"))
DEMO = {"CALMTUI_DEMO_FOLDER": "/demo", "CALMTUI_DEMO_EC2": "http://127.0.0.1:1"}
EVERY_DAY = {
    "rolling-restart", "deploy", "drain-and-reboot", "rotate-credential", "scale", "collect-diagnostics", "fail-over",
    "patch",
}  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(INVENTORY)) for file in FILES])
def test_it_loads_and_an_editor_finds_nothing_wrong_with_it(file: Path) -> None:
    estate = load_estate(file.parent.parent / "estate.yaml", DEMO)
    declared = load(estate, file.stem).declared
    assert declared.summary
    for step in declared.steps:
        assert all((estate.folder / name).is_file() for name in step.files())
    validator = jsonschema.Draft202012Validator(schema())
    assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text()))] == []
    first = file.read_text().splitlines()[0]
    assert (file.parent / first.partition("$schema=")[2]).resolve() == INVENTORY / "runbook.schema.json"


def test_there_is_one_for_each_job_of_every_day() -> None:
    assert {file.stem for file in FILES if file.parent.parent.name == "operations"} >= EVERY_DAY
