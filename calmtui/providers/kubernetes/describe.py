"""The raw object behind a node, without noise and without secrets."""

from __future__ import annotations

from typing import Any

from calmtui import masks
from calmtui.fleet.node import Node
from calmtui.providers.base import MASK, NodeGone
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.ids import place
from calmtui.providers.kubernetes.kinds import KINDS

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""A copy of the whole object as kubectl last sent it: it would show all that is masked elsewhere."""


async def describe(api: Api, node: Node) -> dict[str, Any]:
    """The object of a node, or of a container its part of the pod. Raises a SourceError."""
    where = place(node)
    raw = masked(await api.get_json(KINDS[where.kind].path(where.namespace, where.name)))
    return _container(raw, where.container, api.where) if where.container else raw


def masked(raw: dict[str, Any]) -> dict[str, Any]:
    """An object of the API with its secrets masked and its bookkeeping left out."""
    if raw.get("kind") == "Secret":
        raw = {**raw, **{key: dict.fromkeys(raw[key] or (), MASK) for key in ("data", "stringData") if key in raw}}
    shown: dict[str, Any] = masks.described(raw)
    metadata = shown.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop(LAST_APPLIED, None)
    return shown


def _container(pod: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """What a pod says about one of its containers: as asked for, and as it is."""
    spec, status = pod.get("spec", {}), pod.get("status", {})
    asked = _named((*(spec.get("initContainers") or ()), *(spec.get("containers") or ())), name)
    if asked is None:
        raise NodeGone(f"the pod has no container {name}", where=where)
    every = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    return {"spec": asked, "status": _named(every, name) or {}}


def _named(items: tuple[dict[str, Any], ...], name: str) -> dict[str, Any] | None:
    return next((item for item in items if item.get("name") == name), None)
