"""Draining a machine: cordon it, then evict its pods through the Eviction API, which keeps disruption budgets.

Like `kubectl drain` it leaves the pods of daemon sets (they would come straight back) and static pods
(only the kubelet can end them), and refuses, before it evicts anything, when pods would be lost for
good or with their local data, unless it is forced.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from calmtui.providers.base import NodeGone, OutcomeUnknown, SourceError, Throttled, Unreachable
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.errors import Conflict
from calmtui.providers.kubernetes.kinds import MACHINE, POD

MIRROR = "kubernetes.io/config.mirror"
"""Annotation of the API's image of a static pod."""
AT_ONCE = 8
"""Evictions under way together."""
BUDGET_SECONDS = 5.0
"""Between two attempts to evict a pod that a disruption budget holds."""
AWAY_SECONDS = 1.0
"""Between two attempts to ask an API server that is away."""
POLL_SECONDS = 1.0
"""Between two looks at whether evicted pods have ended."""
MOST_NAMED = 5
"""How many pods an outcome names; the rest are counted."""

RawPod = dict[str, Any]


class Drain:
    """One drain of one machine."""

    def __init__(self, api: Api, name: str, *, force: bool, timeout: float) -> None:
        self._api = api
        self._name = name
        self._force = force
        self._deadline = time.monotonic() + timeout
        self._held: dict[str, str] = {}
        """Pods that could not be evicted yet, with the API server's reason."""
        self._accepted = 0
        """Evictions that the API server has taken."""

    async def run(self) -> str:
        """Drain it; returns what was done. Raises a SourceError that says what remained."""
        path = MACHINE.path(name=self._name)
        await self._api.change("PATCH", path, {"spec": {"unschedulable": True}}, patch="strategic")
        try:
            pods = [pod for pod in await self._pods() if not stays(pod)]
            version = await self._eviction_version()
        except Unreachable as error:
            raise SourceError(f"cordoned, nothing evicted: {error.what}", where=self._api.where) from error
        if not self._force:
            self._refuse_losses(pods)
        turn = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for pod in pods:
                group.create_task(self._evict(pod, version, turn))
        try:
            left = await self._wait_for_the_end({pod["metadata"]["uid"] for pod in pods})
        except Unreachable as error:
            raise OutcomeUnknown(
                f"cordoned, {self._accepted} of {counted(pods)} accepted for eviction; what has become of them is not "
                f"known: {error.what}",
                where=self._api.where,
                next_step="look at its pods once the API server answers, and drain it again",
            ) from error
        if left:
            raise SourceError(
                f"cordoned, {len(pods) - len(left)} of {counted(pods)} evicted; {self._remaining(left)}",
                where=self._api.where,
                next_step="drain again once that is settled, or uncordon",
            )
        return f"cordoned, {counted(pods)} evicted" if pods else "cordoned, no pods to evict"

    async def _pods(self) -> list[RawPod]:
        query = {"fieldSelector": f"spec.nodeName={self._name}"}
        found: list[RawPod] = (await self._read(POD.path(), query)).get("items") or []
        return found

    async def _read(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        """Ask again and again while the API server is away: it may be restarted in the middle of a drain."""
        while True:
            try:
                return await self._api.get_json(path, query or {})
            except Unreachable:
                if time.monotonic() + AWAY_SECONDS > self._deadline:
                    raise
                await asyncio.sleep(AWAY_SECONDS)

    def _refuse_losses(self, pods: list[RawPod]) -> None:
        bare = [full_name(pod) for pod in pods if not _ended(pod) and not _controller(pod)]
        local = [full_name(pod) for pod in pods if not _ended(pod) and _local_data(pod)]
        problems = []
        if bare:
            problems.append(f"nothing would recreate {shortened(bare)}")
        if local:
            problems.append(f"local data (emptyDir) would be lost of {shortened(local)}")
        if problems:
            raise SourceError(
                f"cordoned, nothing evicted: {'; '.join(problems)}",
                where=self._api.where,
                next_step="drain with force=yes to evict them all the same",
            )

    async def _eviction_version(self) -> str:
        """`policy/v1`, or what an older cluster (before 1.22) serves."""
        resources = (await self._read("/api/v1")).get("resources") or []
        found = next((item for item in resources if item.get("name") == "pods/eviction"), None)
        if found is None:
            raise SourceError("cordoned, nothing evicted: the cluster has no Eviction API", where=self._api.where)
        return f"{found.get('group') or 'policy'}/{found.get('version') or 'v1'}"

    async def _evict(self, pod: RawPod, version: str, turn: asyncio.Semaphore) -> None:
        """Evict one pod, again and again while a budget holds it or the API server is away."""
        meta = pod["metadata"]
        body = {
            "apiVersion": version,
            "kind": "Eviction",
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
            "deleteOptions": {"preconditions": {"uid": meta["uid"]}},
        }
        path = POD.path(meta["namespace"], meta["name"]) + "/eviction"
        while True:
            try:
                async with turn:
                    await self._api.change("POST", path, body)
            except (NodeGone, Conflict):  # it is gone, and another may have its name
                return
            except (Throttled, Unreachable, OutcomeUnknown) as error:  # to evict twice does no harm: the uid is fixed
                self._held[full_name(pod)] = error.what
            except SourceError as error:
                self._held[full_name(pod)] = error.what
                return
            else:
                self._held.pop(full_name(pod), None)
                self._accepted += 1
                return
            pause = BUDGET_SECONDS * random.uniform(0.8, 1.2)
            if time.monotonic() + pause > self._deadline:
                return
            await asyncio.sleep(pause)

    async def _wait_for_the_end(self, uids: set[str]) -> list[str]:
        """Wait until pods are gone; the names of those that are still there, held or at the deadline."""
        while True:
            left = [full_name(pod) for pod in await self._pods() if pod["metadata"]["uid"] in uids]
            if all(name in self._held for name in left) or time.monotonic() > self._deadline:
                return left
            await asyncio.sleep(POLL_SECONDS)

    def _remaining(self, left: list[str]) -> str:
        held = [name for name in left if name in self._held]
        ending = [name for name in left if name not in self._held]
        parts = [f"still ending: {shortened(ending)}"] if ending else []
        if held:
            parts.append(f"not evicted: {shortened(held)} ({self._held[held[0]]})")
        return "; ".join(parts)


def stays(pod: RawPod) -> bool:
    """Whether a drain leaves the pod alone: static, or of a daemon set and not ended."""
    if MIRROR in (pod["metadata"].get("annotations") or {}):
        return True
    return _controller(pod) == "DaemonSet" and not _ended(pod)


def full_name(pod: RawPod) -> str:
    """`namespace/name`."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def counted(pods: list[RawPod]) -> str:
    """`1 pod`, `2 pods`."""
    return f"{len(pods)} pod" if len(pods) == 1 else f"{len(pods)} pods"


def shortened(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _controller(pod: RawPod) -> str:
    owners = pod["metadata"].get("ownerReferences") or []
    return next((str(owner.get("kind", "")) for owner in owners if owner.get("controller")), "")


def _ended(pod: RawPod) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _local_data(pod: RawPod) -> bool:
    return any("emptyDir" in volume for volume in pod["spec"].get("volumes") or ())
