"""What consoles have recorded of an estate, for commands that connect to nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from calmtui.cli.diagnostics import say
from calmtui.cli.settings import Settings
from calmtui.estate import find
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import NodeId
from calmtui.store import changes, queries
from calmtui.store.database import StoreError


def key(settings: Settings) -> str:
    """Under which name the store has the estate that is chosen."""
    return find.key_of(find.estate_file(settings.inventory)) if settings.inventory else find.DISCOVERED


def unconnected(settings: Settings, fleet: Fleet, until: float = changes.ALWAYS) -> LiveEstate:
    """The estate with a fleet of the store's, never to be entered: what queries may ask of it is there."""
    live = LiveEstate(load_estate(settings.inventory), fleet=fleet)
    remember(live, until)
    return live


def remember(live: LiveEstate, until: float = changes.ALWAYS) -> None:
    """Put in what the store knows that queries may ask of an estate: saved queries, and changes before a moment."""
    estate = find.key(live.estate)
    live.changed_at = _last_changes(estate, until)
    try:
        live.saved_queries = queries.load(estate)
    except StoreError as error:  # a command without memory is better than none
        say(f"calmtui: {error}")


def _last_changes(estate: str, until: float) -> Callable[[NodeId], float | None]:
    """When a node last changed before a moment; the store is read when it is first asked for."""
    last_at = cache(lambda: changes.last_at(estate, until=until))
    return lambda node_id: last_at().get(node_id)
