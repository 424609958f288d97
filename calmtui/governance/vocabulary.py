"""What policies can speak about: the Cedar schema, made from the actions that the providers have."""

from __future__ import annotations

from collections.abc import Iterable

COMMANDS = ("exec", "shell", "copy", "http", "apply", "set_image", "loadbalancer", "runbook")
"""What can be done to a node besides the actions of its provider, and may change it. `http`: by a request to some other
service, a job of Jenkins among them; `apply`, `set_image`, `loadbalancer`: by such steps of runbooks."""

READS = ("fetch",)
"""What only reads, and yet is for some people only: files got from nodes."""

NODE = {
    "kind": "String", "name": "String", "source": "String", "state": "String", "raw_state": "String",
    "image": "String", "env": "String", "service": "String", "region": "String", "restarts": "Long",
    "production": "Bool", "stale": "Bool",
}  # fmt: skip
"""Attributes of a node by name; its labels are its tags."""

CONTEXT = {
    "danger": "Long", "targets": "Long", "production": "Long", "hidden": "Long", "frozen": "Bool",
    "freezes": "Set<String>", "undo": "Bool", "break_glass": "Bool", "incident": "Bool", "interactive": "Bool",
    "through": "String", "origin": "String", "host": "String", "login": "String", "weekday": "String", "hour": "Long",
}  # fmt: skip
"""The circumstances by name; `governance.circumstances.Circumstances` says what they mean."""


def schema(actions: Iterable[str]) -> str:
    """The Cedar schema for the names of all actions."""
    context = f"{{{_members(CONTEXT)}}}"
    applies = f"appliesTo {{ principal: User, resource: Node, context: {context} }}"
    lines = [
        "entity Group;",
        "entity Selection;",
        "entity User in [Group];",
        f"entity Node in [Selection] {{{_members(NODE)}}} tags String;",
        f"action change {applies};",
        f"action act in [change] {applies};",
    ]
    lines += [f'action "{name}" in [act] {applies};' for name in sorted(set(actions))]
    lines += [f"action {name} in [change] {applies};" for name in COMMANDS]
    lines += [f"action {name} {applies};" for name in READS]
    return "\n".join(lines)


def action_entities(actions: Iterable[str]) -> list[dict[str, object]]:
    """The actions with what they are kinds of, as Cedar's entities."""
    parents = {"act": "change", **dict.fromkeys(actions, "act"), **dict.fromkeys(COMMANDS, "change")}
    parents = {name: of for name, of in parents.items() if name not in READS}
    return [{"uid": uid("Action", name), "attrs": {}, "parents": [uid("Action", of)]} for name, of in parents.items()]


def uid(kind: str, name: str) -> dict[str, str]:
    """The name of an entity; this form takes every character."""
    return {"type": kind, "id": name}


def _members(types: dict[str, str]) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in types.items())
