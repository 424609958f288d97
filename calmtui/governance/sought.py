"""What is sought in the audit trail: by person, event, node, plan and words. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields

from calmtui.errors import UsageError
from calmtui.governance.record import Event, Record


@dataclass(frozen=True)
class Sought:
    """Every part that is given must fit."""

    user: str = ""
    """The person: as who they logged in, or whose rights they had."""
    event: str = ""
    node: str = ""
    """A part of the id of one of its nodes; with a `$` behind it, the end of the id."""
    plan: str = ""
    """The beginning of the plan's hash."""
    words: tuple[str, ...] = ()
    """Each of them somewhere in what the record says, in capitals or not."""

    def holds(self, record: Record) -> bool:
        """Whether a record is one of those."""
        return (
            (not self.user or self.user in (record.who.user, record.who.login))
            and (not self.event or record.event == self.event)
            and (not self.node or any(_names(self.node, each) for each in record.nodes))
            and record.plan.startswith(self.plan)
            and (not self.words or _has(record, self.words))
        )


EVERYTHING = Sought()
_PARTS = tuple(field.name for field in fields(Sought) if field.name != "words")


def read(text: str) -> Sought:
    """`user=anna event=denied node=web-1 plan=3f9a disk`, in any order. Raises UsageError."""
    given: dict[str, str] = {}
    words = []
    for part in text.split():
        name, equals, value = part.partition("=")
        if equals and name in _PARTS:
            given[name] = value
        else:
            words.append(part.lower())
    return sought(words=tuple(words), **given)


def sought(*, event: str = "", words: tuple[str, ...] = (), **parts: str) -> Sought:
    """The same from its parts. Raises UsageError for an event that there is none of."""
    known = [one.value for one in Event]
    if event and event not in known:
        raise UsageError(f"there is no event {event!r}", next_step=f"there are {', '.join(known)}")
    return Sought(event=event, words=words, **parts)


def _names(part: str, node_id: str) -> bool:
    return node_id.endswith(part[:-1]) if part.endswith("$") else part in node_id


def _has(record: Record, words: tuple[str, ...]) -> bool:
    said = " ".join(
        (record.who.name, record.event, record.status, record.action, record.detail, record.reason, record.plan,
         record.who.origin, *record.policies, *record.nodes)
    ).lower()  # fmt: skip
    return all(word in said for word in words)
