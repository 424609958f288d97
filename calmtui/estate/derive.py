"""Derivation: `env`, `service` and `region` of a node, by the first rule that finds something."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from calmtui.fleet.node import Node


def rules(
    derive: Mapping[str, tuple[str, ...]], defaults: Mapping[str, Mapping[str, str]] | None = None
) -> Callable[[Node], Node]:
    """A function that fills the fields of a node by an estate's rules.

    A rule is `label.KEY` or the name of a text field of the node (`region`, `name`, `source`…).
    A field for which no rule finds anything keeps what the provider said, and is filled from the
    `defaults` of the node's source where that is nothing.
    """
    of_source = defaults or {}
    compiled = [(name, [_reader(rule) for rule in wanted]) for name, wanted in derive.items()]

    def derive_node(node: Node) -> Node:
        found: dict[str, str] = {}
        for name, readers in compiled:
            value = next((value for reader in readers if (value := reader(node))), "")
            if value and value != getattr(node, name):
                found[name] = value
        for name, value in of_source.get(node.source, {}).items():
            if name not in found and not getattr(node, name):
                found[name] = value
        return msgspec.structs.replace(node, **found) if found else node

    return derive_node


def _reader(rule: str) -> Callable[[Node], str]:
    if rule.startswith("label."):
        key = rule.removeprefix("label.")
        return lambda node: node.labels.get(key, "")
    return lambda node: str(getattr(node, rule, "") or "")
