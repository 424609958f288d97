"""Writes the same log on many hosts at once, cheaply: `python -m bench.log.writer RATE SECONDS FILE…`.

A batch is made once and written to every file: what is measured is those who read. It keeps to the clock: what
it could not write in time it writes as soon as it can.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from functools import lru_cache

BATCHES = 20
"""Batches a second."""
LEVELS = ("INFO ", "INFO ", "DEBUG", "INFO ", "WARN ", "INFO ", "INFO ", "ERROR")
LINE = "{}.{:06d}Z {} request {:>9} handled by worker-{} path=/api/orders/{} status=200 in {} ms\n"


def batch(first: int, count: int, after: int) -> bytes:
    """So many numbered lines of about 110 bytes, of moments within the last fiftieth of a second, and after `after`.

    That is in microseconds since the epoch: a log's times never go back.
    """
    lines, now = [], time.time_ns() // 1000
    for number in range(first, first + count):
        second, micros = divmod(now - (first + count - 1 - number) * min(20_000, now - after) // count, 10**6)
        lines.append(
            LINE.format(_clock(second), micros, LEVELS[number % 8], number, number % 7, number * 31 % 997, number % 89)
        )
    return "".join(lines).encode()


@lru_cache(maxsize=8)
def _clock(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def write(rate: int, seconds: float, paths: list[str]) -> None:
    """So many lines a second to each of the files."""
    with ExitStack() as stack:
        files = [stack.enter_context(open(path, "ab", buffering=0)).fileno() for path in paths]  # noqa: PTH123
        began, written, last = time.monotonic(), 0, 0
        while written < rate * seconds:
            due = min(int((time.monotonic() - began) * BATCHES + 1) * rate // BATCHES, int(rate * seconds))
            lines, last = batch(written, due - written, last), time.time_ns() // 1000
            for file in files:
                os.write(file, lines)
            written = due
            time.sleep(max(0.0, began + written / rate - time.monotonic()))


if __name__ == "__main__":
    write(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
