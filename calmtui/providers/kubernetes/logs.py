"""The logs of containers: of one, of a pod's, of all that a workload or namespace has, new pods included."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.providers.base import LogChunk, LogRequest, NodeGone, SourceError
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.ids import place
from calmtui.providers.kubernetes.kinds import KINDS, POD
from calmtui.providers.kubernetes.lives import Limits, Lives, is_over
from calmtui.providers.kubernetes.watch import Altered, Collection, Everything, Trouble, keep_watching, list_all
from calmtui.providers.kubernetes.wire import Pod

MOST_STREAMS = 256
"""Containers read together: each is a connection to the API server and one from there to a kubelet."""
OPENING = 16
"""Streams being opened together."""
PAUSE = 2.0
"""Seconds until pods are listed again when they cannot be followed, with jitter."""


async def read(api: Api, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
    """The log of a node. See `providers.base.Logs`."""
    pods, container = await _pods_of(api, node)
    chunks: asyncio.Queue[LogChunk | Exception | None] = asyncio.Queue(maxsize=32)
    reader = _Reader(api, node, container, request, chunks)
    task = asyncio.create_task(reader.run(pods), name=f"logs {node.id}")
    try:
        while (chunk := await chunks.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _pods_of(api: Api, node: Node) -> tuple[Collection, str]:
    """The pods whose logs are a node's, and the container when only one is meant."""
    where = place(node)
    if where.kind == "node":
        raise UsageError("a machine of the cluster has no log here", where=node.id)
    selectors: Mapping[str, str] = {}
    if where.kind == "pod":
        selectors = {"fieldSelector": f"metadata.name={where.name}"}
    elif where.kind != "namespace":
        raw = await api.get_json(KINDS[where.kind].path(where.namespace, where.name))
        selectors = {"labelSelector": label_selector(raw["spec"].get("selector") or {})}
    return Collection(api, POD, where.namespace, selectors), where.container


def label_selector(selector: Mapping[str, object]) -> str:
    """A workload's `selector`, written as the API takes it in a query."""
    labels = selector.get("matchLabels") or {}
    assert isinstance(labels, dict)
    parts = [f"{key}={value}" for key, value in labels.items()]
    expressions = selector.get("matchExpressions") or []
    assert isinstance(expressions, list)
    for expression in expressions:
        key, values = expression["key"], ",".join(expression.get("values") or ())
        match expression["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
    return ",".join(parts)


class _Reader:
    """Reads the containers of some pods into one queue; None in the queue is the end."""

    def __init__(
        self,
        api: Api,
        node: Node,
        container: str,
        request: LogRequest,
        chunks: asyncio.Queue[LogChunk | Exception | None],
    ) -> None:
        self._api = api
        self._node = node
        self._container = container
        self._request = request
        self._chunks = chunks
        self._limits = Limits(asyncio.Semaphore(OPENING), asyncio.Semaphore(MOST_STREAMS), MOST_STREAMS)
        self._lives: dict[str, dict[str, Lives]] = {}
        """By the uid of the pod and the container's name."""
        self._errors: list[SourceError] = []

    async def run(self, pods: Collection) -> None:
        """Read until the request is met; what goes wrong with the whole is put into the queue."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._request.follow:
                    await self._follow_pods(pods, tasks)
                else:
                    everything, _ = await list_all(pods)
                    await self._begin(everything.items, tasks, first=True)
            await self._chunks.put(self._errors[0] if self._errors else None)
        except ExceptionGroup as group:  # handed over and raised in the caller's task
            await self._chunks.put(group.exceptions[0])

    async def _follow_pods(self, pods: Collection, tasks: asyncio.TaskGroup) -> None:
        """Begin with what is there, then with what comes; ends when one pod was meant and it has ended."""
        first = True
        said = ""
        while True:
            try:
                async with aclosing(keep_watching(pods)) as updates:
                    async for update in updates:
                        if isinstance(update, Trouble):
                            if first:
                                raise update.error
                            said = await self._trouble(update.error, said)
                            continue
                        said = ""
                        self._lose(update)
                        seen = update.items if isinstance(update, Everything) else update.put
                        await self._begin(seen, tasks, first=first)
                        first = False
                        if self._node.kind in ("pod", "container") and all(map(is_over, seen)):
                            return
            except SourceError as error:
                if first:
                    raise
                said = await self._trouble(error, said)
            await asyncio.sleep(PAUSE * random.uniform(0.5, 1.0))

    async def _trouble(self, error: SourceError, said: str) -> str:
        """Say once what keeps new pods from being seen."""
        if error.what != said:
            await self._note("", f"new pods cannot be seen: {error.what}")
        return error.what

    def _lose(self, update: Everything | Altered) -> None:
        """Tell those whose pods are gone."""
        if isinstance(update, Everything):
            gone = self._lives.keys() - {pod.metadata.uid for pod in update.items}
        else:
            gone = self._lives.keys() & {pod.metadata.uid for pod in update.gone}
        for uid in gone:
            for lives in self._lives.pop(uid).values():
                lives.gone()

    async def _begin(self, pods: list[Pod], tasks: asyncio.TaskGroup, *, first: bool) -> None:
        """Read the containers that are not being read yet, and tell the others how their pods are.

        `first`: they were there when the request was made; what comes later is read from its first line.
        """
        if first and not pods:
            if self._node.kind in ("pod", "container"):
                raise NodeGone("the pod does not exist any more", where=self._node.id)
            await self._note("", "no pods")
        for pod in pods:
            known = self._lives.setdefault(pod.metadata.uid, {})
            for lives in known.values():
                lives.tell(pod)
            for container in self._containers(pod):
                if container in known:
                    continue
                stream = self._stream_name(pod, container)
                known[container] = Lives(self._api, pod, container, stream, self._chunks.put, self._limits)
                if not first:
                    await self._note(stream, f"{pod.metadata.name}/{container} joined")
                tasks.create_task(self._read(known[container], self._request if first else LogRequest(tail=None)))

    async def _read(self, lives: Lives, request: LogRequest) -> None:
        if self._request.follow:
            await lives.follow(request)
            return
        try:
            await lives.once(request)
        except SourceError as error:  # the others are read all the same
            self._errors.append(error)

    def _containers(self, pod: Pod) -> list[str]:
        """The names of the containers to read, those that prepare the pod first."""
        spec = pod.spec
        every = [*(spec.init_containers or ()), *(spec.containers or ()), *(spec.ephemeral_containers or ())]
        return [one.name for one in every if not self._container or one.name == self._container]

    def _stream_name(self, pod: Pod, container: str) -> str:
        """What a container is called within the node: nothing, its name, its pod's, or both."""
        if self._container:
            return ""
        alone = len(pod.spec.containers or ()) + len(pod.spec.init_containers or ()) == 1
        if self._node.kind == "pod":
            return "" if alone else container
        return pod.metadata.name if alone else f"{pod.metadata.name}/{container}"

    async def _note(self, stream: str, note: str) -> None:
        await self._chunks.put(LogChunk(stream, note=note))
