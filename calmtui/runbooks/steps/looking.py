"""What can be looked at from where a run is carried out: connections, answers over HTTP, lines in logs."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from calmtui.errors import CalmError, UsageError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node
from calmtui.logs.results import Results
from calmtui.logs.search import Expression, clock, search
from calmtui.providers.base import SearchRequest

if TYPE_CHECKING:
    from calmtui.runbooks.steps.check import LogRate

HTTP_SECONDS = 10.0
"""That a server has to say something more."""
LARGEST = 1 << 20
"""Bytes of an answer that are looked at."""
LOOKS = 6
"""How often the logs are counted within a window."""
SHORTEST_LOOK, LONGEST_LOOK = 0.5, 10.0
"""Seconds between two counts."""
COMPARED = 32
"""How many nodes of the rest logs are compared with at the most."""


async def tcp(address: str) -> str:
    """What is wrong with `HOST:PORT` accepting connections; empty: nothing. Raises UsageError."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        raise UsageError(f"{address!r} is no HOST:PORT")
    try:
        _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except OSError as error:
        return f"{address}: {error.strerror or error}"
    writer.close()
    return ""


async def http(url: str, statuses: Sequence[int], contains: str) -> str:
    """What is wrong with the answer to a GET; empty: nothing. Raises UsageError."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{url!r} is no http address")
    return await asyncio.to_thread(_http, url, statuses, contains)


def _http(url: str, statuses: Sequence[int], contains: str) -> str:
    request = urllib.request.Request(url, headers={"User-Agent": "calmtui"})  # noqa: S310 -- http(s), seen to above
    try:
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:  # noqa: S310
            status, body = answer.status, answer.read(LARGEST)
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read(LARGEST)
    except (urllib.error.URLError, OSError) as error:
        return f"no answer: {getattr(error, 'reason', error)}"
    if status not in statuses:
        return f"status {status}"
    return "" if contains.encode() in body else f"the answer does not hold {contains!r}"


async def logs(live: LiveEstate, node: Node, rate: LogRate, begun: float, rest: Sequence[Node] = ()) -> tuple[str, str]:
    """What is wrong with the lines of a node's logs (empty: nothing), and how many there were.

    The window is the last before now that lies behind `begun` (seconds since the epoch), so it is waited for. It
    ends as soon as there are too many lines. `rest` is what they are compared with where the rate says so. Raises
    CalmError when the logs cannot be read.
    """
    window = seconds(rate.window) or 0.0
    since = float(int(max(time.time() - window, begun)))  # logs may tell whole seconds only
    pause = min(max(window / LOOKS, SHORTEST_LOOK), LONGEST_LOOK)
    while True:
        left = since + window - time.time()
        count = await _count(live, [node], rate.pattern, since)
        said = f"{count} lines match {rate.pattern} in {time.time() - since:.0f} s"
        if count > rate.max:
            return await _compared(live, count, rate, since, rest, said)
        if left <= 0:
            return "", said
        await asyncio.sleep(min(pause, left))


async def _compared(
    live: LiveEstate, count: int, rate: LogRate, since: float, rest: Sequence[Node], said: str
) -> tuple[str, str]:
    """Whether too many lines are too many beside those of the rest as well."""
    if rate.times_rest is None:
        return f"more than {rate.max}", said
    if not rest:
        raise CalmError("there is no node left to compare its logs with")
    others = rest[:: max(len(rest) // COMPARED, 1)][:COMPARED]
    average = await _count(live, others, rate.pattern, since) / len(others)
    trouble = f"more than {rate.max}" if count > rate.times_rest * average else ""
    return trouble, f"{said}, {average:.1f} on others"


async def _count(live: LiveEstate, nodes: Sequence[Node], pattern: str, since: float) -> int:
    expression = Expression(pattern)
    request = SearchRequest(pattern, expression.matches, clock, since=since, max_lines=0)
    results = Results()
    async with aclosing(search(live, nodes, request)) as findings:
        async for where, finding in findings:
            results.take(where, finding)
    if errors := [result.error for result in results.nodes.values() if result.error]:
        raise CalmError(errors[0], where=nodes[0].name if len(nodes) == 1 else "")
    return results.matches
