"""Settings: typed before environment before file before default, everything wrong at once, nothing made by reading."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from calmtui.estate import folders
from calmtui.estate.problems import EstateError
from calmtui.estate.settings import Settings, config_file, settings


def _write(text: str) -> Path:
    file = config_file()
    folders.made(file.parent)
    file.write_text(text)
    return file


@pytest.mark.parametrize("given", list(itertools.product([True, False], repeat=3)))
def test_typed_wins_over_environment_over_file_over_default(given: tuple[bool, bool, bool]) -> None:
    typed, environment, file = given
    if file:
        _write("theme: of-the-file\n")
    found = settings(
        {"theme": "typed" if typed else None},
        environment={"CALMTUI_THEME": "of-the-environment"} if environment else {},
    )
    wanted = "typed" if typed else "of-the-environment" if environment else "of-the-file" if file else "dark"
    assert found.theme == wanted


def test_reading_settings_makes_no_folder(nobodys_machine: Path) -> None:
    assert settings(environment={}) == Settings()
    assert list(nobodys_machine.iterdir()) == []


def test_every_setting_of_a_file_is_read_with_its_place() -> None:
    file = _write(
        "inventory: prod\nread_only: yes\ndatabase: postgresql://db\nkeys:\n  fleet.mark: space\n  quit: [q, ctrl+q]\n"
    )
    found = settings(environment={})
    keys = {"fleet.mark": "space", "quit": "q,ctrl+q"}
    assert found == Settings(file.parent / "prod", "dark", True, "postgresql://db", keys)
    assert found.where["keys.quit"] == f"{file}:6:3"
    assert found.where["read_only"] == f"{file}:2:1"


def test_a_path_of_the_environment_is_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nobodys_machine: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings(environment={"CALMTUI_INVENTORY": "prod"}).inventory == tmp_path / "prod"
    assert settings(environment={"CALMTUI_INVENTORY": "~/prod"}).inventory == nobodys_machine / "prod"


def test_everything_wrong_in_file_and_environment_is_said_at_once() -> None:
    file = _write("thme: x\nread_only: perhaps\ndatabase: 12\nkeys: {mark: [], quit: 3, filter: {a: b}}\n")
    with pytest.raises(EstateError) as raised:
        settings(environment={"CALMTUI_DATABASE": "many", "CALMTUI_READ_ONLY": "no"})
    lines = str(raised.value).splitlines()
    known = "inventory, theme, read_only, database, keys"
    assert lines == [
        f"{file}:1:1: unknown setting 'thme'; allowed: {known}; did you mean 'theme'?",
        f"{file}:2:12: 'read_only' is 'perhaps'; it must be true or false",
        f"{file}:3:11: 'database' is '12'; it must be the URL of a database: postgresql://USER@HOST/NAME",
        f"{file}:4:14: 'mark' is empty; it must be a key or a list of keys",
        f"{file}:4:35: 'filter' is a mapping; it must be a key or a list of keys",
        "CALMTUI_DATABASE: 'many' cannot be used; it must be the URL of a database: postgresql://USER@HOST/NAME",
    ]


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_leaves_the_defaults(text: str) -> None:
    _write(text)
    assert settings(environment={}) == Settings()


def test_settings_and_the_stored_fleet_load_without_heavy_imports() -> None:
    code = (
        "import sys; from calmtui.estate.settings import settings; from calmtui.estate.find import estate_file\n"
        "from calmtui.store import last_fleet, marks, views, keep; settings(); last_fleet.load('x')\n"
        "print(*[name for name in ('pydantic', 'yaml', 'sqlite_utils', 'textual', 'typer') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


def test_folders_are_made_private_and_only_when_asked(nobodys_machine: Path) -> None:
    assert not folders.state().exists()
    assert folders.made(folders.state()).stat().st_mode & 0o777 == 0o700
    assert folders.config() == nobodys_machine / ".config" / "calmtui"
    assert folders.cache() == nobodys_machine / ".cache" / "calmtui"
