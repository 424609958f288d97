"""What the shop's machines write: log lines in the formats of nginx, a JSON logger, PostgreSQL and sshd.

Trouble comes in spells that all services of production feel: the database gets slow, the API waits
for it and gives up, and the web servers answer 502.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from itertools import chain

FIRST_SPELL, EVERY, LASTS = 12.0, 90.0, 12.0
"""Seconds after the start until the first spell of trouble, from one to the next, and how long one lasts."""

_PAGES = (
    "/",
    "/products/4711",
    "/products/1002",
    "/cart",
    "/checkout",
    "/search?q=teapot",
    "/healthz",
    "/static/app.js",
)
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "kube-probe/1.31",
)
_QUERIES = ("SELECT * FROM orders WHERE customer_id = $1", "UPDATE stock SET left = left - 1 WHERE sku = $1")


def in_trouble(since_start: float) -> bool:
    """Whether a spell of trouble is on, so many seconds after the start."""
    return since_start >= FIRST_SPELL and (since_start - FIRST_SPELL) % EVERY < LASTS


Writer = Callable[[float, bool, random.Random], Iterator[tuple[str, str]]]
"""From time (seconds since the epoch), trouble and chance to log file and line; several lines when it bursts."""


def web(at: float, trouble: bool, chance: random.Random) -> Iterator[tuple[str, str]]:
    """nginx: the access log in the combined format, and the error log."""
    for _ in range(chance.choice((1, 1, 1, 2, 8)) if chance.random() < 0.2 or trouble else 1):
        page = chance.choice(_PAGES)
        failed = trouble and page not in ("/healthz", "/static/app.js") and chance.random() < 0.6
        status = 502 if failed else chance.choice((200,) * 30 + (304, 304, 404))
        client = f"203.0.113.{chance.randrange(1, 250)}"
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
        size = 157 if failed else chance.randrange(200, 40_000)
        agent = chance.choice(_AGENTS)
        yield "access.log", f'{client} - - [{stamp}] "GET {page} HTTP/1.1" {status} {size} "-" "{agent}"'
        if failed:
            when = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(at))
            upstream = f"http://10.0.2.{chance.randrange(10, 13)}:8080{page}"
            error = (
                f"{when} [error] 812#812: *{chance.randrange(10_000, 99_999)} upstream timed out (110: Connection "
                f"timed out) while reading response header from upstream, client: {client}, server: shop.example, "
                f'request: "GET {page} HTTP/1.1", upstream: "{upstream}"'
            )
            yield "error.log", error


def api(at: float, trouble: bool, chance: random.Random) -> Iterator[tuple[str, str]]:
    """The API: a JSON object a line, and a traceback when it gives up."""

    def entry(level: str, message: str, **fields: object) -> tuple[str, str]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}Z"
        return "api.log", json.dumps({"time": stamp, "level": level, "msg": message, **fields})

    order = f"o-{chance.randrange(100_000, 999_999)}"
    if trouble and chance.random() < 0.5:
        yield entry("warn", "waiting for a database connection", order=order, waited_ms=chance.randrange(800, 3000))
        if chance.random() < 0.4:
            yield entry("error", "giving up: no database connection in 3 s", order=order, pool="orders", attempt=3)
            yield "api.log", "Traceback (most recent call last):"
            yield "api.log", '  File "/srv/api/orders.py", line 214, in place'
            yield "api.log", "    with self.pool.connection(timeout=3) as connection:"
            yield "api.log", "psycopg_pool.PoolTimeout: couldn't get a connection after 3.00 sec"
        return
    took = round(chance.lognormvariate(2.6, 0.6), 1)
    yield entry("info", "order placed", order=order, took_ms=took, trace=f"{chance.getrandbits(64):016x}")
    if chance.random() < 0.03:
        yield entry("warn", "slow payment provider", order=order, took_ms=chance.randrange(900, 2500))


def db(at: float, trouble: bool, chance: random.Random) -> Iterator[tuple[str, str]]:
    """PostgreSQL, with durations and now and then a checkpoint."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d} UTC"
    head = f"{stamp} [{chance.randrange(2000, 2060)}] "
    name = "postgresql.log"
    if trouble and chance.random() < 0.6:
        yield name, f"{head}shop@orders LOG:  duration: {chance.uniform(1500, 9000):.3f} ms  execute: {_QUERIES[1]}"
        if chance.random() < 0.5:
            yield name, f"{head}shop@orders ERROR:  canceling statement due to statement timeout"
            yield name, f"{head}shop@orders STATEMENT:  {_QUERIES[1]}"
        return
    if chance.random() < 0.05:
        yield (
            name,
            f"{head}LOG:  checkpoint complete: wrote {chance.randrange(40, 900)} buffers ({chance.random():.1f}%)",
        )
    else:
        took = chance.lognormvariate(1, 0.8)
        yield name, f"{head}shop@orders LOG:  duration: {took:.3f} ms  execute: {chance.choice(_QUERIES)}"


WRITERS: dict[str, Writer] = {"web": web, "api": api, "db": db}
"""By service."""


def past(writer: Writer, now: float, chance: random.Random) -> Iterator[tuple[str, str]]:
    """The last quarter of an hour, so that a log is not empty when it is first opened."""
    times = sorted(now - chance.uniform(1, 900) for _ in range(150))
    return chain.from_iterable(writer(at, False, chance) for at in times)
