"""What a playbook uses beside itself: roles, variables, templates, plugins, and the files that it names."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator
from pathlib import Path

from calmtui.errors import UsageError

FOLDERS = (
    "collections", "defaults", "files", "group_vars", "handlers", "host_vars", "library", "meta", "module_utils",
    "roles", "tasks", "templates", "vars", "*_plugins",
)  # fmt: skip
"""Where Ansible looks beside a playbook without being told."""
ROLE = ("tasks", "handlers", "defaults", "vars", "meta", "templates", "files")
"""Folders of which a role has one at least."""
MADE = {".git", "__pycache__"}
"""Folders whose files do not count: they come about by themselves."""
MOST = 5000
"""How many files a playbook may use."""
ASKING = ("copy", "file", "include_tasks", "include_vars", "role", "roles", "script", "src", "vars_files")
"""Keys after which a text is a name, whatever it looks like."""
_INSERTED = re.compile(r"{{.*?}}|{%.*?%}")
_APART = re.compile(r"[\s=,'\"]+")


def used_by(playbook: Path) -> list[Path]:
    """The files that a playbook uses and that stand where it does, in the order of their names. Blocks.

    A path that is only known when it is played, an absolute one, and what is installed on the machine are not
    among them. Raises UsageError when they are too many.
    """
    found: set[Path] = set()
    for path in _reached(playbook):
        found.add(path)
        if len(found) > MOST:
            raise UsageError(f"the playbook uses more than {MOST:,} files", where=str(playbook),
                             next_step="put it, and what it uses, into a folder of its own")  # fmt: skip
    return sorted(found)


def _reached(playbook: Path) -> Iterator[Path]:
    """Each of them once or more, and what those name in turn."""
    home = playbook.parent
    configured = home / "ansible.cfg"
    waiting = [path for pattern in FOLDERS for folder in home.glob(pattern) for path in _within(folder)]
    waiting += [path for folder in _configured(configured) for path in _within(folder)]
    waiting += [configured] * configured.is_file()
    waiting += _named(playbook, home)
    seen = {playbook}
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            yield path
            waiting += _named(path, home) if path.suffix in (".yml", ".yaml") else ()


def _within(folder: Path) -> Iterator[Path]:
    """The files in a folder, through links too."""
    visited = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name not in MADE]
        if (real := os.path.realpath(parent)) in visited:
            folders.clear()
            continue
        visited.add(real)
        yield from (Path(parent, name) for name in files)


def _configured(file: Path) -> Iterator[Path]:
    """The folders of roles and collections that an ansible.cfg names relative to itself."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read(file)
    except (configparser.Error, UnicodeDecodeError):
        return  # ansible says so when it is played
    for name in ("roles_path", "collections_path", "collections_paths"):
        for folder in config.get("defaults", name, fallback="").split(":"):
            if folder.strip() and folder.strip()[0] not in "/~$":
                yield Path(os.path.normpath(file.parent / folder.strip()))


def _named(file: Path, home: Path) -> Iterator[Path]:
    """The files, and those of the folders, that the texts of a YAML file name, relative to it or to the playbook."""
    for name in set(_names(file)):
        if not name.strip("./") or name[0] in "/~" or len(name) > 200 or any(sign in name for sign in "\0\n{"):
            continue
        for base in {file.parent, home}:
            path = Path(os.path.normpath(base / name))
            if path.is_file():
                yield path
            elif "/" in name or any((path / part).is_dir() for part in ROLE):
                yield from _within(path) if path not in home.parents and path != home else ()


def _names(file: Path) -> Iterator[str]:
    """What may be a name: texts, and words of theirs that look like paths or stand where a name is asked for."""
    import yaml  # only where there is a playbook

    key, is_key = "", False
    try:
        for token in yaml.scan(file.read_bytes()):
            if isinstance(token, yaml.ScalarToken):
                if is_key:
                    key = token.value.rpartition(".")[2]
                asked = not is_key and key in ASKING
                yield from (word for word in (token.value, *_APART.split(_INSERTED.sub("", token.value)))
                            if asked or "/" in word or "." in word)  # fmt: skip
            is_key = isinstance(token, yaml.KeyToken)
    except (OSError, yaml.YAMLError):
        return  # ansible says so when it is played
