"""What can be looked at from where a run is carried out: connections, answers over HTTP, lines in logs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from calmtui import sanitise
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
"""That a server has to answer a check."""
SHOWN = 4096
"""Bytes of an answer that are shown."""
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


@dataclass(frozen=True)
class Request:
    """A request over HTTP."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a server has answered."""

    status: int
    body: bytes
    """The beginning of it."""

    @property
    def shown(self) -> str:
        """The beginning of it, safe for a terminal."""
        lines = self.body[:SHOWN].decode(errors="replace").splitlines()
        return "\n".join(sanitise.word(line) for line in lines)

    def trouble(self, statuses: Sequence[int], contains: str) -> str:
        """What is wrong with it; empty: nothing."""
        if self.status not in statuses:
            return f"status {self.status}"
        return "" if contains.encode() in self.body else f"the answer does not hold {contains!r}"


class NoAnswer(CalmError):
    """Nothing was answered; `sent` says whether the server may have got the request."""

    def __init__(self, what: str, *, sent: bool) -> None:
        super().__init__(what)
        self.sent = sent


async def ask(request: Request, seconds: float) -> Answer:
    """The answer of a server. Raises NoAnswer, UsageError."""
    import aiohttp

    address = urlsplit(request.url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise UsageError(f"{request.url!r} is no http address")
    headers = {"User-Agent": "calmtui", **request.headers}
    if request.body and request.body[:1] in "[{":
        headers.setdefault("Content-Type", "application/json")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds), trust_env=True) as session,
            session.request(request.method, request.url, headers=headers, data=request.body) as answer,
        ):
            return Answer(answer.status, await answer.content.read(LARGEST))
    except aiohttp.ClientConnectorError as error:
        raise NoAnswer(
            f"{address.hostname}: no answer: {error.os_error.strerror or error.os_error}", sent=False
        ) from None
    except TimeoutError:
        raise NoAnswer(f"{address.hostname}: no answer within {seconds:g} s", sent=True) from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoAnswer(f"{address.hostname}: no answer: {error or type(error).__name__}", sent=True) from None


async def http(url: str, statuses: Sequence[int], contains: str) -> str:
    """What is wrong with the answer to a GET; empty: nothing. Raises UsageError."""
    try:
        return (await ask(Request(url), HTTP_SECONDS)).trouble(statuses, contains)
    except NoAnswer as error:
        return str(error)


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
