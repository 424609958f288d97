"""Lines a second that are folded to templates, once the templates are known."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from bench.report import report
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, LogLine, Origin
from calmtui.logs.patterns.table import Patterns

LINES = 200_000
START = 1_795_228_154 * SECOND


def templates() -> None:
    lines = list(_lines(random.Random(4)))
    patterns = Patterns()
    for name in ("first", "after warm-up"):
        begin = time.perf_counter()
        patterns.add(lines)
        report("logs", f"lines folded, {name}", LINES / (time.perf_counter() - begin), "lines/s")
    report("logs", "templates", len(patterns.table()), "templates")


def _lines(chance: random.Random) -> Iterator[LogLine]:
    origins = [Origin("lab", f"ssh:lab/web-{number:03d}", f"web-{number:03d}") for number in range(48)]
    for number in range(LINES):
        user, port = chance.choice(("ana", "ben", "cy")), chance.randrange(1024, 65536)
        address = f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"
        identity = f"{chance.getrandbits(128):032x}"
        text = chance.choice(
            (
                f"sshd[{port}]: Accepted publickey for {user} from {address} port {port} ssh2: SHA256:{identity}",
                f"sshd[{port}]: Failed password for invalid user {user} from {address} port {port} ssh2",
                f'{address} - - [21/Nov/2026:02:29:14 +0000] "GET /api/users/{port} HTTP/1.1" 200 {port} "-" "curl"',
                f'{address} - - [21/Nov/2026:02:29:14 +0000] "POST /api/orders HTTP/1.1" 503 {port} "-" "curl"',
                f'{{"level":"info","msg":"order {port} of {user} paid","order":{port},"trace":"{identity}"}}',
                f'level=warn msg="slow query" duration={port}ms request={identity[:16]}',
                f"INFO  [pool-1-thread-{port % 16}] c.s.Orders - order {port} of {user} took {port % 900} ms",
                f"ERROR [pool-1-thread-{port % 16}] c.s.Orders - no answer from {address}:8080 within 5000 ms",
            )
        )
        yield LogLine(START + number, START + number, chance.choice(origins), number, text, Level.INFO)
