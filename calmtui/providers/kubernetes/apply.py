"""Objects as manifests say: server-side apply, which leaves to others what is theirs; and changes to workloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from calmtui.fleet.node import Node
from calmtui.providers.base import Misconfigured, NodeGone, SourceError
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.errors import Conflict
from calmtui.providers.kubernetes.ids import place
from calmtui.providers.kubernetes.kinds import KINDS

MANAGER = "calmtui"
"""Under which name the fields of applied manifests are ours."""
_BOOKKEEPING = ("managedFields", "resourceVersion", "generation")


async def apply(api: Api, node: Node, manifest: Mapping[str, Any], *, force: bool) -> str:
    """See `providers.base.Workloads`."""
    kind, name = str(manifest.get("kind", "")), str((manifest.get("metadata") or {}).get("name", ""))
    if not (kind and name and manifest.get("apiVersion")):
        raise Misconfigured("a manifest needs 'apiVersion', 'kind' and 'metadata: {name: …}'", where=node.name)
    path = await _path(api, node, manifest, kind, name)
    try:
        before = await api.get_json(path)
    except NodeGone:
        before = {}
    query = {"fieldManager": MANAGER, "force": "true" if force else "false"}
    try:
        after = await api.change("PATCH", path, dict(manifest), patch="apply", query=query)
    except Conflict as error:
        advice = "leave these fields out of the manifest, or take them over with 'force: true'"
        raise Conflict(error.what, where=f"{kind} {name}", next_step=advice) from error
    if not before:
        return f"{kind} {name} created"
    return "" if _content(before) == _content(after) else f"{kind} {name} changed"


async def _path(api: Api, node: Node, manifest: Mapping[str, Any], kind: str, name: str) -> str:
    """Where the object is served, as the API server tells."""
    version = str(manifest["apiVersion"])
    base = f"/{'apis' if '/' in version else 'api'}/{quote(version)}"
    try:
        served = (await api.get_json(base)).get("resources", ())
    except NodeGone:
        served = ()
    found = next((each for each in served if each.get("kind") == kind and "/" not in each.get("name", "")), None)
    if found is None:
        raise Misconfigured(f"the cluster has no {kind} of {version}", where=node.name, next_step="mend the manifest")
    if not found.get("namespaced"):
        return f"{base}/{found['name']}/{quote(name, safe='')}"
    namespace = (manifest.get("metadata") or {}).get("namespace") or place(node).namespace or "default"
    return f"{base}/namespaces/{quote(str(namespace), safe='')}/{found['name']}/{quote(name, safe='')}"


def _content(item: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what the API server keeps of it."""
    kept = {key: value for key, value in item.items() if key != "status"}
    return {**kept, "metadata": {key: value for key, value in item["metadata"].items() if key not in _BOOKKEEPING}}


async def set_images(api: Api, node: Node, images: Mapping[str, str]) -> str:
    """See `providers.base.Workloads`."""
    path = path_of(node)
    spec = (await api.get_json(path))["spec"]["template"]["spec"]
    changed: dict[str, list[dict[str, str]]] = {}
    known: dict[str, str] = {}
    for group in ("initContainers", "containers"):
        for container in spec.get(group, ()):
            name = container["name"]
            known[name] = container.get("image", "")
            if name in images and images[name] != known[name]:
                changed.setdefault(group, []).append({"name": name, "image": images[name]})
    if missing := [name for name in images if name not in known]:
        raise SourceError(f"there is no container {missing[0]!r}", where=node.name,
                          next_step=f"its containers: {', '.join(known)}")  # fmt: skip
    if not changed:
        return ""
    body = {"spec": {"template": {"spec": changed}}}
    await api.change("PATCH", path, body, patch="strategic", query={"fieldManager": MANAGER})
    each = [one for group in changed.values() for one in group]
    return ", ".join(f"{one['name']}: {known[one['name']]} → {one['image']}" for one in each)


def path_of(node: Node) -> str:
    """The path of a workload."""
    where = place(node)
    return KINDS[where.kind].path(where.namespace, where.name)
