"""The console output of an instance as a log: EC2 keeps the newest 64 KiB, we tell what has been added."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from calmtui.providers.aws.connect import Account
from calmtui.providers.base import LogChunk, LogRequest, NodeGone, SourceError, Throttled

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

EVERY = 15.0
"""Seconds between two looks while following; GetConsoleOutput has one of EC2's lowest limits."""
SLOWEST = 240.0
STREAM = "console"


async def follow(
    account: Account, region: str, instance_id: str, request: LogRequest
) -> AsyncGenerator[LogChunk, None]:
    """The last lines of the console, then what is added. It carries no times, so `since` cannot be honoured."""
    seen = await account.call(region, lambda ec2: _output(ec2, instance_id))
    if not seen:
        yield LogChunk(STREAM, note="EC2 has no console output of this instance yet")
    else:
        first = seen if request.tail is None else seen[max(len(seen) - request.tail, 0) :]
        yield _chunk(first)
    pause = EVERY
    trouble = ""
    while request.follow:
        await asyncio.sleep(pause)
        try:
            now = await account.call(region, lambda ec2: _output(ec2, instance_id))
        except NodeGone:
            yield LogChunk(STREAM, note="the instance is gone")
            return
        except SourceError as error:
            if str(error) != trouble:
                trouble = str(error)
                yield LogChunk(STREAM, note=trouble)
            pause = min(pause * 2, SLOWEST) if isinstance(error, Throttled) else EVERY
            continue
        pause, trouble = EVERY, ""
        fresh, continued = added(seen, now)
        if fresh:
            note = (
                "" if continued else "the console began anew or moved on by more than EC2 keeps: lines may be missing"
            )
            yield _chunk(fresh, note)
        seen = now


def added(before: Sequence[bytes], now: Sequence[bytes]) -> tuple[Sequence[bytes], bool]:
    """The lines of `now` that are new, and whether they follow on from `before` without a gap.

    `now` is `before` without some of its first lines and with others at its end; the last line of
    `before` may have grown, as it was cut where EC2 looked.
    """
    if not before:
        return now, True
    whole = before[:-1]
    proof = len(before) if before[-1] else max(len(before) - 1, 1)  # a last empty line alone proves nothing
    for start in range(proof):
        rest = whole[start:]
        if len(now) > len(rest) and list(now[: len(rest)]) == list(rest) and now[len(rest)].startswith(before[-1]):
            unchanged = now[len(rest)] == before[-1]
            return now[len(rest) + (1 if unchanged else 0) :], True
    return now, False


def _chunk(lines: Sequence[bytes], note: str = "") -> LogChunk:
    return LogChunk(STREAM, [(None, line) for line in lines], note=note)


def _output(ec2: EC2Client, instance_id: str) -> list[bytes]:
    """Lines of the console now, where the type of instance allows it, else of EC2's last look. Blocks."""
    from botocore.exceptions import ClientError

    try:
        answer = ec2.get_console_output(InstanceId=instance_id, Latest=True)
    except ClientError as error:
        if error.response["Error"].get("Code") != "UnsupportedOperation":
            raise
        answer = ec2.get_console_output(InstanceId=instance_id)
    return answer.get("Output", "").encode().splitlines()
