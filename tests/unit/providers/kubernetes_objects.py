"""Objects as the API would send them, as nodes."""

from __future__ import annotations

from typing import Any

import msgspec

from calmtui.fleet.node import Node
from calmtui.providers.kubernetes.kinds import KINDS


def nodes(kind: str, **fields: Any) -> list[Node]:
    """The nodes of an object as the API would send it."""
    metadata = {"name": "web", "namespace": "shop", "creationTimestamp": "2026-11-21T03:15:43Z"}
    raw = {**fields, "metadata": metadata | fields.get("metadata", {})}
    return KINDS[kind].nodes("lab", KINDS[kind].one.decode(msgspec.json.encode(raw)))


def pod(status: dict[str, Any], spec: dict[str, Any] | None = None, **metadata: Any) -> list[Node]:
    """A pod's nodes; it has the one container `main` unless `spec` says otherwise."""
    return nodes(
        "pod", metadata=metadata, spec=spec or {"containers": [{"name": "main", "image": "shop/web:1"}]}, status=status
    )


def container(state: dict[str, Any], name: str = "main", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "shop/web:1", "state": state, **fields}


UP = container({"running": {"startedAt": "2026-11-21T03:16:00Z"}}, ready=True, started=True)
