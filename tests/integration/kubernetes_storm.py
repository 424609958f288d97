"""Random operations on a cluster: mostly on objects that no kubelet serves, so that hundreds take seconds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from tests.lab.kube import pod_spec
from tests.lab.kube_proxy import TOKEN

Object = dict[str, Any]

SPACES = ("oracle-a", "oracle-b")
APPS = "/apis/apps/v1"


def _running(*, ready: bool = True) -> Object:
    return {"ready": ready, "started": True, "state": {"running": {"startedAt": "2026-01-02T03:04:05Z"}}}


def _ended(code: int) -> Object:
    ended = {"exitCode": code, "reason": "Error" if code else "Completed"}
    return {"ready": False, "state": {"terminated": ended}}


def _waiting(reason: str) -> Object:
    return {"ready": False, "state": {"waiting": {"reason": reason}}}


CONDITIONS: tuple[tuple[str, Object], ...] = (
    ("Running", _running()),
    ("Running", _running()),
    ("Running", _running(ready=False)),
    ("Running", _waiting("CrashLoopBackOff")),
    ("Running", _ended(7)),
    ("Pending", _waiting("ContainerCreating")),
    ("Pending", _waiting("ImagePullBackOff")),
    ("Succeeded", _ended(0)),
    ("Failed", _ended(1)),
)
"""Phases of a pod, and how each of its containers is then."""


class Storm:
    """Creates, alters and deletes; remembers only which names to go on with. `blow` may be called again and again."""

    def __init__(self, api: aiohttp.ClientSession, dice: random.Random) -> None:
        self.dice = dice
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """Operations that the API server did not do, such as creating in a namespace that is going."""
        self._api = api
        self._number = 0
        self._pods: list[tuple[str, list[str]]] = []
        """Path and container names."""
        self._workloads: list[str] = []
        self._jobs: list[str] = []
        self._spaces: list[str] = []
        """Those that come and go."""
        self._machines: list[str] = []
        operations: dict[Callable[[], Awaitable[None]], int] = {
            self.create_pod: 20, self.set_status: 30, self.label_pod: 14, self.delete_pod: 10, self.replace_pod: 8,
            self.create_deployment: 3, self.scale: 8, self.set_image: 3, self.delete_deployment: 2,
            self.create_job: 3, self.delete_job: 2, self.create_namespace: 3, self.delete_namespace: 1,
            self.label_namespace: 2, self.create_machine: 2, self.cordon: 6, self.set_ready: 4, self.delete_machine: 1,
            self.delete_real_pod: 1,
        }  # fmt: skip
        self._operations, self._weights = list(operations), list(operations.values())

    async def blow(self, count: int) -> None:
        """Go on until that many more operations are done."""
        enough = sum(self.done.values()) + count
        while sum(self.done.values()) < enough:
            (operation,) = self.dice.choices(self._operations, self._weights)
            try:
                await operation()
            except aiohttp.ClientResponseError as error:
                if error.status not in (403, 404, 409):
                    raise
                self.refused[operation.__name__] += 1
            else:
                self.done[operation.__name__] += 1

    # -- pods -----------------------------------------------------------------------

    async def create_pod(self) -> None:
        await self._create_pod(f"/api/v1/namespaces/{self._space()}/pods", self._new("pod"))

    async def set_status(self) -> None:
        path, containers = await self._pod()
        phase, condition = self.dice.choice(CONDITIONS)
        statuses = [
            {"name": name, "image": "lab", "imageID": "", "restartCount": self.dice.randrange(5), **condition}
            for name in containers
        ]
        status: Object = {"phase": phase, "containerStatuses": statuses}
        if phase == "Running":
            status["podIP"] = f"10.9.{self.dice.randrange(256)}.{self.dice.randrange(1, 255)}"
        await self._patch(f"{path}/status", {"status": status})

    async def label_pod(self) -> None:
        await self._label((await self._pod())[0])

    async def delete_pod(self) -> None:
        """At once, or in its own time: a pod on a machine without a kubelet then ends for ever."""
        pod = await self._pod()
        at_once = self.dice.random() < 0.7
        await self._delete(pod[0], **({"gracePeriodSeconds": 0} if at_once else {}))
        if at_once:
            self._pods.remove(pod)

    async def replace_pod(self) -> None:
        """Another one under the same name, with other containers, hard upon the end of the first."""
        pod = await self._pod()
        self._pods.remove(pod)
        collection, _, name = pod[0].rpartition("/")
        await self._delete(pod[0], gracePeriodSeconds=0)
        await self._create_pod(collection, name)

    async def delete_real_pod(self) -> None:
        """One that the kubelet serves; its deployment has another one made."""
        found = await self._call("GET", f"/api/v1/namespaces/{SPACES[0]}/pods?labelSelector=app%3Dreal")
        if found["items"]:
            name = self.dice.choice(found["items"])["metadata"]["name"]
            await self._delete(f"/api/v1/namespaces/{SPACES[0]}/pods/{name}")

    # -- workloads --------------------------------------------------------------------

    async def create_deployment(self) -> None:
        collection, name = f"{APPS}/namespaces/{self._space()}/deployments", self._new("web")
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": self._spec(["main"])}
        spec = {"replicas": self.dice.randrange(4), "selector": {"matchLabels": labels}, "template": template}
        await self._call("POST", collection, {"metadata": {"name": name, "labels": labels}, "spec": spec})
        self._workloads.append(f"{collection}/{name}")

    async def scale(self) -> None:
        await self._patch(await self._workload(), {"spec": {"replicas": self.dice.randrange(5)}})

    async def set_image(self) -> None:
        containers = [{"name": "main", "image": f"shop:{self.dice.randrange(100)}"}]
        patch = {"spec": {"template": {"spec": {"containers": containers}}}}
        await self._patch(await self._workload(), patch, "strategic-merge-patch")

    async def delete_deployment(self) -> None:
        path = await self._workload()
        self._workloads.remove(path)
        await self._delete(path, propagationPolicy="Background")

    async def create_job(self) -> None:
        collection, name = f"/apis/batch/v1/namespaces/{self._space()}/jobs", self._new("job")
        template = {"spec": self._spec(["main"]) | {"restartPolicy": "Never"}}
        parallel = self.dice.randrange(3)
        await self._call(
            "POST", collection, {"metadata": {"name": name}, "spec": {"parallelism": parallel, "template": template}}
        )
        self._jobs.append(f"{collection}/{name}")

    async def delete_job(self) -> None:
        if self._jobs:
            await self._delete(self._take(self._jobs), propagationPolicy="Background")

    # -- the cluster ------------------------------------------------------------------

    async def create_namespace(self) -> None:
        name = self._new("oracle")
        await self._call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self._spaces.append(name)

    async def delete_namespace(self) -> None:
        if self._spaces:
            path = f"/api/v1/namespaces/{self._take(self._spaces)}"
            await self._delete(path)
            self._pods = [pod for pod in self._pods if not pod[0].startswith(f"{path}/")]

    async def label_namespace(self) -> None:
        await self._label(f"/api/v1/namespaces/{self._space()}")

    async def create_machine(self) -> None:
        name = self._new("machine")
        addresses = [{"type": "InternalIP", "address": f"10.8.0.{self._number % 256}"}]
        body = {"metadata": {"name": name}, "status": {"addresses": addresses}}
        await self._call("POST", "/api/v1/nodes", body)
        self._machines.append(name)

    async def cordon(self) -> None:
        await self._patch(await self._machine(), {"spec": {"unschedulable": self.dice.random() < 0.5}})

    async def set_ready(self) -> None:
        condition = {"type": "Ready", "status": self.dice.choice(("True", "False", "Unknown")), "reason": "Storm"}
        path = f"{await self._machine()}/status"
        await self._patch(path, {"status": {"conditions": [condition]}}, "strategic-merge-patch")

    async def delete_machine(self) -> None:
        if self._machines:
            await self._delete(f"/api/v1/nodes/{self._take(self._machines)}")

    # -- choosing -----------------------------------------------------------------------

    def _new(self, word: str) -> str:
        self._number += 1
        return f"{word}-{self._number}"

    def _space(self) -> str:
        return self.dice.choice((*SPACES, *SPACES, *self._spaces))

    async def _pod(self) -> tuple[str, list[str]]:
        while not self._pods:
            await self.create_pod()
        return self.dice.choice(self._pods)

    async def _workload(self) -> str:
        if not self._workloads:
            await self.create_deployment()
        return self.dice.choice(self._workloads)

    async def _machine(self) -> str:
        if not self._machines:
            await self.create_machine()
        return f"/api/v1/nodes/{self.dice.choice(self._machines)}"

    def _take(self, names: list[str]) -> str:
        return names.pop(self.dice.randrange(len(names)))

    # -- asking -------------------------------------------------------------------------

    async def _create_pod(self, collection: str, name: str) -> None:
        containers = self.dice.choice((["main"], ["main"], ["main", "side"], ["proxy"]))
        spec = self._spec(containers)
        if self._machines and self.dice.random() < 0.5:
            spec["nodeName"] = self.dice.choice(self._machines)
        body = {"metadata": {"name": name, "labels": {"app": "storm"}}, "spec": spec}
        await self._call("POST", collection, body)
        self._pods.append((f"{collection}/{name}", containers))

    def _spec(self, containers: list[str]) -> Object:
        spec = pod_spec(*({"name": name} for name in containers))
        return {**spec, "schedulerName": "none", "terminationGracePeriodSeconds": 30}

    async def _label(self, path: str) -> None:
        labels = {"team": self.dice.choice(("shop", "pay", None)), "run": str(self.dice.randrange(1000))}
        await self._patch(path, {"metadata": {"labels": labels}})

    async def _patch(self, path: str, body: Object, kind: str = "merge-patch") -> None:
        await self._call("PATCH", path, body, f"application/{kind}+json")

    async def _delete(self, path: str, **options: Any) -> None:
        await self._call("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})

    async def _call(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> Any:
        headers = {"Authorization": TOKEN, "Content-Type": kind}
        async with self._api.request(method, path, json=body, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.json()
