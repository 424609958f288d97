"""The logs of containers: of one, of a pod's, of all that a workload or namespace has, new pods included."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.providers.base import AuthFailed, Forbidden, LogChunk, LogRequest, NodeGone, SourceError
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.ids import place
from calmtui.providers.kubernetes.kinds import KINDS, POD
from calmtui.providers.kubernetes.lines import Position, parse
from calmtui.providers.kubernetes.watch import Altered, Collection, Everything, Trouble, keep_watching, list_all
from calmtui.providers.kubernetes.wire import ContainerStatus, Pod

MOST_STREAMS = 256
"""Containers read together: each is a connection to the API server and one from there to a kubelet."""
OPENING = 16
"""Streams being opened together."""
SILENCE_SECONDS = 5 * 3600.0
"""The kubelet itself ends a stream after 4 hours of silence."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds between attempts to open a stream again: doubled from the first to the longest, with jitter."""


@dataclass(frozen=True)
class Instance:
    """One life of a container: when it restarts, the API gives the log of the next."""

    namespace: str
    pod: str
    container: str
    restarts: int

    @property
    def path(self) -> str:
        """Where its log is served."""
        return POD.path(self.namespace, self.pod) + "/log"


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
        self._tasks: dict[Instance, asyncio.Task[None]] = {}
        self._opening = asyncio.Semaphore(OPENING)
        self._left_out: set[tuple[str, str, str]] = set()

    async def run(self, pods: Collection) -> None:
        """Read until the request is met; what goes wrong with the whole is put into the queue."""
        try:
            if self._request.follow:
                await self._follow_pods(pods)
            else:
                everything, _ = await list_all(pods)
                await self._begin(everything.items, first=True)
            await asyncio.gather(*self._tasks.values())
            await self._chunks.put(None)
        except Exception as error:  # noqa: BLE001  # handed over and raised in the caller's task
            await self._chunks.put(error)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow_pods(self, pods: Collection) -> None:
        """Begin with what is there, then with what comes; ends when one pod was meant and it has ended."""
        first = True
        said = ""
        async with aclosing(keep_watching(pods)) as updates:
            async for update in updates:
                if isinstance(update, Trouble):
                    if first:
                        raise update.error
                    if update.error.what != said:
                        said = update.error.what
                        await self._note("", f"new pods cannot be seen: {said}")
                    continue
                said = ""
                seen = update.items if isinstance(update, Everything) else update.put
                await self._begin(seen, first=first)
                first = False
                gone = isinstance(update, Altered) and bool(update.gone) and not update.put
                if self._node.kind in ("pod", "container") and (gone or all(map(_is_over, seen))):
                    return

    async def _begin(self, pods: list[Pod], *, first: bool) -> None:
        """Read the containers that are not being read yet. `first`: they were there when the request was made."""
        if first and not pods:
            if self._node.kind in ("pod", "container"):
                raise NodeGone("the pod does not exist any more", where=self._node.id)
            await self._note("", "no pods")
        for pod in pods:
            for status in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ())):
                if self._container and status.name != self._container:
                    continue
                stream = self._stream_name(pod, status.name)
                if not _has_log(status):
                    if first:
                        waiting = status.state.waiting
                        await self._note(stream, f"has not started: {waiting.reason if waiting else 'waiting'}")
                    continue
                instance = Instance(pod.metadata.namespace, pod.metadata.name, status.name, status.restart_count)
                if instance not in self._tasks and await self._has_room(instance):
                    tail = self._request.tail if first else None
                    self._tasks[instance] = asyncio.create_task(self._read(instance, stream, tail))

    async def _has_room(self, instance: Instance) -> bool:
        if sum(not task.done() for task in self._tasks.values()) < MOST_STREAMS:
            return True
        key = (instance.namespace, instance.pod, instance.container)
        if key not in self._left_out:
            self._left_out.add(key)
            await self._note(
                f"{instance.pod}/{instance.container}", f"left out: {MOST_STREAMS} containers are being read already"
            )
        return False

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

    # -- one container -------------------------------------------------------------

    async def _read(self, instance: Instance, stream: str, tail: int | None) -> None:
        """Read one life of a container; what goes wrong with more than this stream is put into the queue."""
        try:
            await self._read_to_the_end(instance, stream, tail)
        except NodeGone:
            await self._note(stream, "the pod is gone")
        except Exception as error:  # noqa: BLE001  # handed over and raised in the caller's task
            await self._chunks.put(error)

    async def _read_to_the_end(self, instance: Instance, stream: str, tail: int | None) -> None:
        """Read, and following, reconnect while the container lives. Raises Forbidden, AuthFailed and NodeGone."""
        position = Position(self._request.since)
        pause = FIRST_PAUSE
        broken = ""
        while True:
            try:
                if await self._read_once(instance, stream, tail, position, broken):
                    pause = FIRST_PAUSE
                broken = ""
            except (Forbidden, AuthFailed, NodeGone):
                raise
            except SourceError as error:
                broken = error.what
                if not self._request.follow:
                    await self._note(stream, broken)
            if not self._request.follow:
                return
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)
            end = await self._end_of(instance, broken)
            if end:
                await self._note(stream, end)
                return
            tail = None
            position.rewind()

    async def _read_once(
        self, instance: Instance, stream: str, tail: int | None, position: Position, broken: str
    ) -> bool:
        """One request, to its end; whether anything came. Raises a SourceError."""
        query = {"container": instance.container, "timestamps": "true"}
        if self._request.follow:
            query["follow"] = "true"
        if tail is not None:
            query["tailLines"] = str(tail)
        if position.since_time is not None:
            query["sinceTime"] = position.since_time
        async with AsyncExitStack() as stack:
            async with self._opening:
                opened = self._api.stream(instance.path, query, silence=SILENCE_SECONDS)
                response = await stack.enter_async_context(opened)
            if broken:
                await self._note(stream, f"reconnected after: {broken}")
            came = False
            rest = b""
            async for piece in response.content.iter_any():
                *raw, rest = (rest + piece).split(b"\n")
                came = await self._pass_on(stream, raw, position) or came
            return await self._pass_on(stream, [rest] if rest else [], position) or came

    async def _pass_on(self, stream: str, raw: list[bytes], position: Position) -> bool:
        lines = position.fresh([parse(line) for line in raw])
        if lines:
            await self._chunks.put(LogChunk(stream, lines))
        return bool(lines)

    async def _end_of(self, instance: Instance, broken: str) -> str:
        """How that life of the container ended; empty while there may be more to read of it."""
        try:
            pod = POD.one.decode(await self._api.get(POD.path(instance.namespace, instance.pod)))
        except NodeGone:
            raise
        except SourceError:
            return ""
        every = (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ()))
        status = next((status for status in every if status.name == instance.container), None)
        if status is None:
            return ""
        restarted = status.restart_count != instance.restarts
        if not restarted and (broken or status.state.running is not None):
            return ""
        ended = status.last_state.terminated if restarted else status.state.terminated or status.last_state.terminated
        how = f": exit {ended.exit_code} ({ended.reason})" if ended is not None else ""
        missed = "; the connection was lost, so its last lines may be missing" if broken else ""
        return f"the container ended{how}{missed}"


def _has_log(status: ContainerStatus) -> bool:
    """Whether the container has begun at least once."""
    return bool(status.state.running or status.state.terminated or status.last_state.terminated)


def _is_over(pod: Pod) -> bool:
    """Whether a pod has ended for good."""
    return pod.status.phase in ("Succeeded", "Failed")
