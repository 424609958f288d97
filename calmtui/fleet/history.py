"""History: changes worth keeping, as what was before and after, and the fleet as it was at a past moment.

The past is found by walking back from what is known now: of every later change, the newest first,
what was before is put back. So a moment costs the changes since, and nothing is stored twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from calmtui.fleet.fleet import altered, worth_telling
from calmtui.fleet.node import TROUBLE, VOLATILE, Node, NodeId, State
from calmtui.fleet.update import Change, ChangeKind

KEPT = tuple(name for name in Node.__struct_fields__ if name not in VOLATILE)
"""The fields whose change is kept."""

Fields = dict[str, Any]
"""Some of a node's fields by name, as `msgspec.to_builtins` gives them."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change as it is stored and told."""

    at: float
    """When it was seen, seconds since the epoch."""
    source: str
    node: NodeId
    kind: ChangeKind
    name: str
    node_kind: str
    before: Fields = {}
    """Of an altered node the fields that changed, of one that is gone all of them; empty for an added one."""
    after: Fields = {}
    """Of an altered node the fields that changed, of an added one all of them; empty for one that is gone."""
    not_before: float | None = None
    """Seen only when a source answered again: it happened between this time and `at`."""

    @property
    def bad(self) -> bool:
        """Whether it brought the node into trouble."""
        return self.after.get("state") in TROUBLE and self.before.get("state") not in TROUBLE

    def summary(self) -> str:
        """What changed, in one line: `state running → failed, restarts 3 → 4`."""
        if self.kind is ChangeKind.ADDED:
            return f"appeared, {self.after.get('state', State.UNKNOWN)}"
        if self.kind is ChangeKind.GONE:
            return f"gone, was {self.before.get('state', State.UNKNOWN)}"
        told = [name for name in self._changed() if name not in _BESIDES] or self._changed()
        if self.before.get("state") == _word(self.before) and self.after.get("state") == _word(self.after):
            told = [name for name in told if name != "raw_state"]  # the source's word for it is the same word
        return ", ".join(_difference(name, self.before.get(name), self.after.get(name)) for name in told)

    def differences(self) -> list[tuple[str, str, str]]:
        """Each field that changed, the important ones first: its name, what it was and what it is, in full."""
        return [
            told for name in self._changed() for told in _in_full(name, self.before.get(name), self.after.get(name))
        ]

    def _changed(self) -> list[str]:
        return sorted(self.after.keys() | self.before.keys(), key=_importance)


def record(change: Change, *, not_before: float | None = None) -> Record | None:
    """The record of a change; None for noise (a heartbeat, a load figure)."""
    if not worth_telling(change):
        return None
    before = _fields(change.before)
    after = _fields(change.after)
    if change.before is not None and change.after is not None:
        names = altered(change.before, change.after)
        before = {name: before.get(name) for name in names}
        after = {name: after.get(name) for name in names}
    node = change.node
    return Record(change.at, change.source, node.id, change.kind, node.name, node.kind, before, after, not_before)


def redo(nodes: dict[NodeId, Node], records: Iterable[Record]) -> dict[NodeId, Node]:
    """The nodes as they were after `records`, which are given oldest first; those that are in already alter nothing."""
    later = dict(nodes)
    for entry in records:
        if entry.kind is ChangeKind.GONE:
            later.pop(entry.node, None)
        elif entry.kind is ChangeKind.ADDED:
            later[entry.node] = msgspec.convert(entry.after, Node)
        elif entry.node in later:
            later[entry.node] = _with(later[entry.node], entry.after)
    return later


def undo(nodes: dict[NodeId, Node], records: Iterable[Record]) -> dict[NodeId, Node]:
    """The nodes as they were before `records`, which are given newest first and reach up to `nodes`."""
    past = dict(nodes)
    for entry in records:
        if entry.kind is ChangeKind.ADDED:
            past.pop(entry.node, None)
        elif entry.kind is ChangeKind.GONE:
            past[entry.node] = msgspec.convert(entry.before, Node)
        elif entry.node in past:
            past[entry.node] = _with(past[entry.node], entry.before)
    return past


def _with(node: Node, fields: Fields) -> Node:
    """The node with other fields; None: the default."""
    merged = _fields(node) | fields
    return msgspec.convert({name: value for name, value in merged.items() if value is not None}, Node)


def latest(records: Iterable[Record]) -> dict[str, Record]:
    """For each field, the last of `records` (oldest first) that altered it."""
    return {name: record for record in records if record.kind is ChangeKind.ALTERED for name in record.after}


def subject(entry: Record, nodes: Mapping[NodeId, Node]) -> Node:
    """The node that a change is of: as it is in `nodes`; when it is not there, as far as the record tells."""
    if (node := nodes.get(entry.node)) is not None:
        return node
    told = {name: value for name, value in (entry.before | entry.after).items() if value is not None}
    identity = {"id": entry.node, "kind": entry.node_kind, "name": entry.name, "source": entry.source}
    return msgspec.convert(told | identity, Node)


def _fields(node: Node | None) -> Fields:
    """A node's fields that are kept; those that have their default are left out, except the state."""
    if node is None:
        return {}
    fields: Fields = {"state": State.UNKNOWN, **msgspec.to_builtins(node)}  # unknown is a default, and worth telling
    return {name: fields[name] for name in KEPT if name in fields}


_FIRST = ("state", "reason", "image", "restarts", "raw_state", "labels")
_BESIDES = ("actions", "offers")
"""Fields that follow from others: told in one line only when nothing else changed."""


def _word(fields: Fields) -> object:
    return str(fields.get("raw_state", "")).lower() or None


def _importance(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _difference(name: str, before: Any, after: Any) -> str:
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = before or {}, after or {}
        keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        return ", ".join(_difference(f"{name.removesuffix('s')}.{key}", old.get(key), new.get(key)) for key in keys)
    if isinstance(before, list | tuple) or isinstance(after, list | tuple):
        gone = [str(item) for item in before or () if item not in (after or ())]
        come = [str(item) for item in after or () if item not in (before or ())]
        return f"{name} {' '.join([*(f'-{item}' for item in gone), *(f'+{item}' for item in come)]) or 'reordered'}"
    return f"{name} {_shown(before)} → {_shown(after)}"


def _in_full(name: str, before: Any, after: Any) -> list[tuple[str, str, str]]:
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = before or {}, after or {}
        keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        return [(f"{name.removesuffix('s')}.{key}", _shown(old.get(key)), _shown(new.get(key))) for key in keys]
    if name == "created":
        return [(name, _time(before), _time(after))]
    return [(name, _shown(before), _shown(after))]


def _time(value: float | None) -> str:
    return _shown(value and datetime.fromtimestamp(value).isoformat(" ", "seconds"))


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    return "none" if value is None or value == "" else str(value)
