"""What the lines of a watch come to."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from calmtui.fleet.update import Delta
from calmtui.providers.kubernetes import inventory, watch
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.kinds import POD
from calmtui.providers.kubernetes.watch import Altered, Collection


def line(kind: str, version: int, *containers: str) -> bytes:
    meta = {"name": "web", "namespace": "shop", "resourceVersion": str(version)}
    spec = {"containers": [{"name": name} for name in containers]}
    return json.dumps({"type": kind, "object": {"metadata": meta, "spec": spec}}).encode()


async def told(monkeypatch: pytest.MonkeyPatch, *lines: bytes) -> tuple[set[str], set[str]]:
    """What the fleet is told to put and to drop of one piece of a watch, by the ends of the ids."""
    pods = inventory.collections("lab", cast(Api, None), None, 500)["pod"]
    altered, version = watch._read(pods, list(lines), "1")
    assert version == json.loads(lines[-1])["object"]["metadata"]["resourceVersion"]

    async def once(collection: Collection) -> AsyncGenerator[Altered, None]:
        yield altered

    monkeypatch.setattr(inventory, "keep_watching", once)
    (update,) = [update async for update in inventory._scope("lab", POD.name, pods)]
    assert isinstance(update, Delta)
    return {node.id.removeprefix("k8s:lab/shop/") for node in update.put}, {
        node_id.removeprefix("k8s:lab/shop/") for node_id in update.gone
    }


async def test_a_pod_that_is_replaced_at_once_leaves_no_container_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put, gone = await told(monkeypatch, line("DELETED", 5, "main", "side"), line("ADDED", 6, "main", "proxy"))
    assert put == {"pod/web", "pod/web/main", "pod/web/proxy"}
    assert gone == {"pod/web/side"}


async def test_a_pod_that_comes_and_goes_at_once_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    put, gone = await told(monkeypatch, line("ADDED", 5, "main"), line("DELETED", 6, "main"))
    assert put == set()
    assert gone == {"pod/web", "pod/web/main"}
