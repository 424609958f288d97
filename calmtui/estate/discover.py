"""Discovery: what this machine is set up for, from the files and variables that the other tools use.

Nothing is connected to. The operator switches each source on or off; that is remembered in the store.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from calmtui import providers
from calmtui.estate.find import DISCOVERED
from calmtui.estate.model import Estate, SourceSpec
from calmtui.providers.base import Discovered
from calmtui.store import views
from calmtui.store.database import StoreError

log = logging.getLogger(__name__)

_VIEW = "sources"
"""Under which name the choices are kept among the views of the discovered estate."""


@dataclass(frozen=True)
class Found:
    """One source that this machine seems to be set up for."""

    name: str
    """Unique among those found, and fit for an estate file."""
    provider: str
    discovered: Discovered
    options: Any = None
    """The provider's validated model; None when `error` says why not."""
    error: str = ""

    @property
    def key(self) -> str:
        """What the choice for it is kept under: what it is, for its name depends on what else is found."""
        options = msgspec.json.encode(self.discovered.options, enc_hook=str, order="sorted")
        return f"{self.provider}:{options.decode()}"


def discover() -> list[Found]:
    """Everything that every provider finds, in the order of the providers. Never raises."""
    found: list[Found] = []
    taken: set[str] = set()
    for kind in providers.names():
        try:
            provider = providers.load(kind)
            model, discovered = provider.options(), provider.discover()
        except (ImportError, AttributeError) as error:  # a third party's, broken; `calmtui doctor` says so too
            log.warning("provider %s cannot be imported: %s", kind, error)
            continue
        for item in discovered:
            name = _unique(item.name, kind, taken)
            try:
                found.append(Found(name, kind, item, model.model_validate(item.options)))
            except ValueError as error:
                found.append(Found(name, kind, item, error=_first_line(error)))
    return found


def chosen(found: Iterable[Found], choices: Mapping[str, bool]) -> dict[str, bool]:
    """On or off for each source found, by its name: as the operator chose, else as its provider suggests."""
    return {item.name: not item.error and choices.get(item.key, item.discovered.suggested) for item in found}


def choices(*, path: Path | None = None) -> dict[str, bool]:
    """What the operator chose before, by `Found.key`; nothing, and a line in the log, when the store cannot say."""
    try:
        kept = views.load(DISCOVERED, path=path).get(_VIEW)
    except StoreError as error:
        log.warning("%s", error)
        return {}
    return {str(name): bool(on) for name, on in kept.items()} if isinstance(kept, dict) else {}


def remember(found: Iterable[Found], on: Mapping[str, bool], *, path: Path | None = None) -> None:
    """Keep the choices (by name, as from `chosen`) beside those for sources that are not there now.

    Blocks: call it in a thread. Raises StoreError.
    """
    kept = choices(path=path) | {item.key: on[item.name] for item in found if item.name in on}
    views.save(DISCOVERED, {_VIEW: kept}, path=path)


def estate_of(found: Iterable[Found], on: Mapping[str, bool]) -> Estate:
    """The estate of what was found; what is switched off stands in it as off."""
    sources = tuple(
        SourceSpec(item.name, item.provider, item.options, enabled=on.get(item.name, False))
        for item in found
        if not item.error
    )
    return Estate(socket.gethostname().split(".")[0] or DISCOVERED, sources)


def _unique(wanted: str, kind: str, taken: set[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9._@+-]+", "-", wanted).strip("-._@+") or kind
    numbered = (f"{plain}-{kind}-{number}" for number in range(2, len(taken) + 3))
    name = next(name for name in (plain, f"{plain}-{kind}", *numbered) if name not in taken)
    taken.add(name)
    return name


def _first_line(error: ValueError) -> str:
    lines = str(error).splitlines()
    return " ".join(line.strip() for line in lines[1:3]) or str(error)
