"""What is logged of an instance: its console, and the log streams that the CloudWatch agent names after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from calmtui.providers.aws import console
from calmtui.providers.aws.cloudwatch import Group, has_stream
from calmtui.providers.aws.connect import Account
from calmtui.providers.base import LogChunk, LogRequest, SourceError

AHEAD = 16
"""Chunks that are read before their consumer takes them."""


async def of_instance(
    account: Account, region: str, instance_id: str, groups: Sequence[str], request: LogRequest
) -> AsyncGenerator[LogChunk, None]:
    """All of it as it comes, `stream` being `console` or the log group. Raises a SourceError.

    `groups`: the log groups that are looked through; where there are some, what fails is a note.
    """
    ready: asyncio.Queue[LogChunk | Exception | None] = asyncio.Queue(AHEAD)
    parts = {console.STREAM: console.follow(account, region, instance_id, request)}
    parts |= {name: _in_group(account, region, name, instance_id, request) for name in groups}
    reading = asyncio.create_task(_read(parts, ready), name=f"logs {instance_id}")
    try:
        while (chunk := await ready.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(
    parts: Mapping[str, AsyncGenerator[LogChunk, None]], ready: asyncio.Queue[LogChunk | Exception | None]
) -> None:
    """Put the chunks of all into the queue, under the parts' names; at the end None, or what went wrong."""

    async def read(stream: str, chunks: AsyncGenerator[LogChunk, None]) -> None:
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    await ready.put(LogChunk(stream, chunk.lines, chunk.note))
        except SourceError as error:
            if len(parts) == 1:
                raise
            await ready.put(LogChunk(stream, note=str(error)))  # the others are read all the same

    try:
        async with asyncio.TaskGroup() as tasks:
            for stream, chunks in parts.items():
                tasks.create_task(read(stream, chunks))
        await ready.put(None)
    except ExceptionGroup as failed:  # handed over and raised in the caller's task
        await ready.put(failed.exceptions[0])


async def _in_group(
    account: Account, region: str, group: str, stream: str, request: LogRequest
) -> AsyncGenerator[LogChunk, None]:
    """The stream of that name in a group; nothing where there is none."""
    if await account.call_logs(region, lambda logs: has_stream(logs, group, stream)):
        async with aclosing(Group(account, region, group, streams=[stream]).read(request)) as chunks:
            async for chunk in chunks:
                yield chunk
