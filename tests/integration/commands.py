"""A command on one node of a source, to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from calmtui.fleet.node import Node
from calmtui.providers.base import Command, Exec, ExecResult, collect


async def run(source: Exec, node: Node, words: Sequence[str], *, stdin: bytes = b"", timeout: float = 60) -> ExecResult:
    """What it came to. Raises TimeoutError after `timeout` seconds, the command ended at the far side."""
    async with asyncio.timeout(timeout):
        return await collect(source, node, Command(tuple(words), stdin))
