"""Reviews: what was done by break-glass is looked at afterwards by somebody else. They follow from the trail alone."""

from __future__ import annotations

from calmtui.errors import Refused, UsageError
from calmtui.governance import trail as trails
from calmtui.governance.record import Event
from calmtui.governance.sought import Sought
from calmtui.governance.trail import Sealed, Trail
from calmtui.store.ledger import Place

BROKEN = Sought(event=Event.BREAK_GLASS)
REVIEWED = Sought(event=Event.REVIEWED)


def open_reviews(path: Place, estate: str) -> list[Sealed]:
    """Every break-glass of an estate that nobody has reviewed, oldest first. Blocks; raises StoreError."""
    found = [item for item in trails.read(path, sought=BROKEN) if item.record.estate == estate]
    seen = {item.record.more.get("of") for item in trails.read(path, sought=REVIEWED)}
    return [item for item in found if item.record.seq not in seen]


def review(trail: Trail, seq: int, note: str) -> None:
    """Say what came of looking at the break-glass of that number. Raises Refused, UsageError, StoreError."""
    found = [item.record for item in open_reviews(trail.path, trail.estate) if item.record.seq == seq]
    if not found:
        raise UsageError(f"record {seq} is no break-glass that waits for a review", next_step="`calmtui reviews`")
    if found[0].who.name == trail.who.name:
        raise Refused("nobody reviews what they did themselves", where=f"record {seq}")
    if not note.strip():
        raise UsageError("a review says what came of it", next_step="write it after --note")
    record = found[0]
    trail.append(
        trail.record(
            Event.REVIEWED, action=record.action, plan=record.plan, nodes=record.nodes, detail=note, more={"of": seq}
        )
    )
