"""Following a collection of objects: list it in pages, then watch it, for ever.

Three generators, one inside the other, each with its own reason to end:

`watch_once`       one request; ends when the server closes it or it breaks, raises Expired on 410
`list_then_watch`  a listing and the watches that go on from it; ends by an error only
`keep_watching`    for ever: lists again when expired, backs off when the scope fails; raises only
                   what concerns the whole source
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from calmtui.providers.base import AuthFailed, Forbidden, Misconfigured, NodeGone, SourceError, Unreachable
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.errors import Expired, NotServed, from_exception, from_status
from calmtui.providers.kubernetes.kinds import Kind
from calmtui.providers.kubernetes.wire import ApiStatus, Bookmark, WatchEvent

WATCH_SECONDS = 300
"""How long the server is asked to keep a watch open; etcd forgets versions after about as long."""
SILENCE_SECONDS = WATCH_SECONDS + 30
"""A watch that is quiet for longer than the server was asked to keep it is dead."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 6.0
"""Seconds between attempts of a failing scope: doubled from the first to the longest, with jitter. An API server
that comes back behind a proxy which kept answering for it is to be seen within ten seconds."""
REFUSED_PAUSE = 60.0
"""The longest after an answer that only a person can change."""

_event = msgspec.json.Decoder(WatchEvent)
_bookmark = msgspec.json.Decoder(Bookmark)
_status = msgspec.json.Decoder(ApiStatus)


@dataclass(frozen=True)
class Collection:
    """Objects of one kind: the whole cluster's, or one namespace's, or those that selectors pick."""

    api: Api
    kind: Kind
    namespace: str = ""
    selectors: Mapping[str, str] = field(default_factory=dict)
    """`labelSelector` and `fieldSelector`, as the API has them."""
    page_size: int = 500
    read: Callable[[list[Any]], list[Any]] = list
    """What decoded objects are turned into: the objects themselves, or their nodes."""

    @property
    def path(self) -> str:
        """Where it is served."""
        return self.kind.path(self.namespace)


class Everything(msgspec.Struct, frozen=True):
    """All that a collection holds, as its `read` gives it."""

    items: list[Any]


class Altered(msgspec.Struct, frozen=True):
    """What was added or altered since, as `read` gives it, and the objects that are gone.

    An object that went and came back under its name is in both: what it was made of before may not be there again.
    """

    put: list[Any]
    gone: list[Any]


class Trouble(msgspec.Struct, frozen=True):
    """The collection cannot be followed for now; it is tried again."""

    error: SourceError


async def keep_watching(collection: Collection) -> AsyncGenerator[Everything | Altered | Trouble, None]:
    """Follow a collection for ever. Raises Unreachable, AuthFailed and Misconfigured: they concern the whole source."""
    pause = FIRST_PAUSE
    while True:
        longest = LONGEST_PAUSE
        try:
            async with aclosing(list_then_watch(collection)) as updates:
                async for update in updates:
                    pause = FIRST_PAUSE
                    yield update
        except Expired:
            pass
        except (Unreachable, AuthFailed, Misconfigured):
            raise
        except SourceError as error:
            yield Trouble(error)
            if isinstance(error, Forbidden | NotServed):
                longest = REFUSED_PAUSE
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(pause * 2, longest)


async def list_then_watch(collection: Collection) -> AsyncGenerator[Everything | Altered, None]:
    """List a collection, then yield what changes. Raises Expired when it must be listed again."""
    everything, version = await list_all(collection)
    yield everything
    while True:
        begun = time.monotonic()
        async with aclosing(watch_once(collection, version)) as batches:
            async for altered, reached in batches:
                version = reached
                if altered.put or altered.gone:
                    yield altered
        if time.monotonic() - begun < FIRST_PAUSE:  # a server that closes at once is not asked in a hot loop
            await asyncio.sleep(FIRST_PAUSE * random.uniform(0.5, 1.0))


async def list_all(collection: Collection) -> tuple[Everything, str]:
    """Everything, and the version from which to watch. Raises a SourceError.

    A page is turned into items while the server prepares the next one.
    """
    query = {"limit": str(collection.page_size), **collection.selectors}
    items: list[Any] = []
    fetching = asyncio.create_task(collection.api.get(collection.path, query))
    try:
        while True:
            page = collection.kind.page.decode(await fetching)
            more = page.metadata.continue_
            if more:
                following = {**query, "continue": more}
                fetching = asyncio.create_task(collection.api.get(collection.path, following))
                await asyncio.sleep(0)  # lets the request go out
            items += collection.read(page.items or [])
            if not more:
                return Everything(items), page.metadata.resource_version
    except NodeGone:  # a collection that is served is there, even when it is empty
        raise NotServed("this cluster does not serve it", where=collection.api.where) from None
    except msgspec.MsgspecError as error:
        raise from_exception(error, collection.api.where) from error
    finally:
        fetching.cancel()


async def watch_once(collection: Collection, version: str) -> AsyncGenerator[tuple[Altered, str], None]:
    """One watch from a version on: batches of what came in one piece, each with the version reached.

    Ends when the server closes it or the connection breaks. Raises Expired when the version is too old,
    else a SourceError.
    """
    query = {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
        "timeoutSeconds": str(WATCH_SECONDS - random.randrange(60)),  # not all of a cluster's watches at once
        **collection.selectors,
    }
    opened = False
    try:
        async with collection.api.stream(collection.path, query, silence=SILENCE_SECONDS) as response:
            opened = True
            rest = b""
            async for piece in response.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                if lines:
                    altered, version = _read(collection, lines, version)
                    yield altered, version
    except Unreachable:
        if not opened:  # one that broke on the way is as good as closed: nothing is missed by going on
            raise


def _read(collection: Collection, lines: list[bytes], version: str) -> tuple[Altered, str]:
    """What some lines of a watch come to, and the version reached."""
    latest: dict[tuple[str, str], Any] = {}
    gone: list[Any] = []
    try:
        for line in lines:
            event = _event.decode(line)
            if event.type == "BOOKMARK":
                version = _bookmark.decode(event.object).metadata.resource_version or version
                continue
            if event.type == "ERROR":
                raise from_status(_status.decode(event.object).code, bytes(event.object), collection.api.where)
            item = collection.kind.one.decode(event.object)
            version = item.metadata.resource_version or version
            key = item.metadata.namespace, item.metadata.name
            if event.type == "DELETED":
                latest.pop(key, None)
                gone.append(item)
            else:
                latest[key] = item
    except msgspec.MsgspecError as error:
        raise from_exception(error, collection.api.where) from error
    return Altered(collection.read(list(latest.values())), gone), version
