"""Settings of the program, as against those of an estate: what was typed, the environment, a file, the default.

The file is `$XDG_CONFIG_HOME/calmtui/config.yaml`; it need not exist, and reading makes nothing.
Cheap to import: the first paint waits for it, so PyYAML is imported only when there is a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmtui.estate import folders
from calmtui.estate.problems import EstateError, Problem, closest, one_of

if TYPE_CHECKING:
    from calmtui.estate.written import Written

PREFIX = "CALMTUI_"
"""Of environment variables: `CALMTUI_READ_ONLY=1`. Every setting but `keys` has one."""


@dataclass(frozen=True)
class Settings:
    """What holds now."""

    inventory: Path | None = None
    """The estate that is opened without `-i`: its file or folder. None: what this machine is set up for."""
    theme: str = "dark"
    """The name of a colour theme."""
    read_only: bool = False
    """Refuse everything that changes something, in every estate."""
    database: str = ""
    """The URL of the PostgreSQL database that runs and the ledger are in, where an estate names none; empty: files."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of their command, in place of its own: `{"fleet.mark": "space,m"}`."""
    where: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where a setting comes from, for messages: `theme` or `keys.ID` to `FILE:LINE:COLUMN`, a variable, or `typed`."""


def config_file() -> Path:
    """The file of settings, whether or not it is there."""
    return folders.config() / "config.yaml"


def variables() -> list[str]:
    """The environment variables that hold settings."""
    return [PREFIX + name.upper() for name in _PARSERS]


def settings(
    typed: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """The settings that hold: typed before environment before file before default.

    A value of None in `typed` was not typed. Raises EstateError with everything that is wrong in
    the file and the environment.
    """
    environment = os.environ if environment is None else environment
    file = config_file() if file is None else file
    values, where, problems = _from_file(file, environment) if file.exists() else ({}, {}, [])
    for name, parse in _PARSERS.items():
        variable = PREFIX + name.upper()
        text = environment.get(variable, "")
        if not text:
            continue
        try:
            values[name], where[name] = parse(text, Path.cwd()), variable
        except ValueError as error:
            problems.append(Problem(variable, 0, 0, f"{text!r} cannot be used", str(error)))
    for name, value in (typed or {}).items():
        if value is not None:
            values[name], where[name] = value, "typed"
    if problems:
        raise EstateError(problems)
    return Settings(**values, where=where)


# -- what may stand there --------------------------------------------------------


def _path(value: Any, folder: Path) -> Path:
    return folder / Path(_text(value, folder)).expanduser()


def _text(value: Any, _: Path) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("it must be text")
    return value


def _database(value: Any, folder: Path) -> str:
    text = _text(value, folder)
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("it must be the URL of a database: postgresql://USER@HOST/NAME")
    return text


def _flag(value: Any, _: Path) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if str(value).lower() not in known:
        raise ValueError("it must be true or false")
    return known[str(value).lower()]


_PARSERS: Mapping[str, Callable[[Any, Path], Any]] = {
    "inventory": _path,
    "theme": _text,
    "read_only": _flag,
    "database": _database,
}
assert {*_PARSERS, "keys", "where"} == {setting.name for setting in fields(Settings)}


def _from_file(file: Path, environment: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str], list[Problem]]:
    from calmtui.estate.written import read

    written = read(file, environment)
    values: dict[str, Any] = {}
    where: dict[str, str] = {}
    if not isinstance(written.value, dict):
        if written.value is not None:
            written.add((1, 1), "the file is not a mapping", "write SETTING: VALUE")
        return values, where, written.problems
    known = [*_PARSERS, "keys"]
    for name, value in written.value.items():
        if name == "keys":
            values[name] = _keys(value, written)
        elif name in _PARSERS:
            try:
                values[name] = _PARSERS[name](value, file.parent)
            except ValueError as error:
                written.add(written.place((name,)), f"{name!r} is {written.show((name,), value)}", str(error))
        else:
            written.add(written.keys[(name,)], f"unknown setting {name!r}", one_of(known), closest(name, known))
        where |= _places(name, written)
    return values, where, written.problems


def _keys(value: Any, written: Written) -> dict[str, str]:
    """Keys by command id, joined with commas. Which ids and keys there are is for the screens to say."""
    if not isinstance(value, dict):
        allowed = "it must be a mapping such as {COMMAND: KEY} or {COMMAND: [KEY, KEY]}"
        written.add(written.place(("keys",)), f"'keys' is {written.show(('keys',), value)}", allowed)
        return {}
    keys: dict[str, str] = {}
    for name, wanted in value.items():
        several = wanted if isinstance(wanted, list) else [wanted]
        if several and all(isinstance(key, str) and key.strip() for key in several):
            keys[name] = ",".join(key.strip() for key in several)
        else:
            loc = ("keys", name)
            written.add(
                written.place(loc), f"{name!r} is {written.show(loc, wanted)}", "it must be a key or a list of keys"
            )
    return keys


def _places(name: str, written: Written) -> dict[str, str]:
    found = {loc: place for loc, place in written.keys.items() if loc[0] == name and len(loc) <= 2}
    return {".".join(map(str, loc)): f"{written.file}:{line}:{column}" for loc, (line, column) in found.items()}
