"""Where an estate's file is. Cheap to import: the first paint needs it before the file is read."""

from __future__ import annotations

from pathlib import Path

from calmtui.estate.model import Estate
from calmtui.estate.problems import EstateError, Problem, closest

FILE = "estate.yaml"
"""What the file in an estate's folder is called."""
DISCOVERED = "discovered"
"""The key of the estate that was put together from what this machine is set up for."""


def estate_file(path: str | Path) -> Path:
    """The estate file that a path stands for, absolute. Raises EstateError for a folder without one."""
    path = Path(path).expanduser().absolute()
    if not path.is_dir():
        return path
    if (path / FILE).is_file():
        return path / FILE
    try:
        inside = sorted(path.iterdir())
    except OSError as error:
        raise EstateError([Problem(str(path), 0, 0, f"cannot be read: {error.strerror}")]) from error
    near = closest(FILE, (entry.name for entry in inside if entry.is_file()))
    estates = [entry.name for entry in inside if (entry / FILE).is_file()]
    allowed = f"estates in it: {', '.join(estates)}" if estates else "name a file, or a folder that holds one"
    raise EstateError([Problem(str(path), 0, 0, f"no {FILE} in this folder", allowed, near)])


def key(estate: Estate) -> str:
    """Under which name the store keeps what belongs to an estate: its file, links resolved."""
    return key_of(estate.path) if estate.path else DISCOVERED


def key_of(file: Path) -> str:
    """The same, for an estate file that was not read yet."""
    return str(file.resolve())
