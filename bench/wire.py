"""Bytes that the console writes to a real terminal of 120x40: what a slow line has to carry. No peer."""

from __future__ import annotations

import signal
import statistics
import time

from bench.lab import nodes
from bench.lab.terminal import Terminal
from bench.report import report


def main(argv: list[str]) -> None:
    terminal = Terminal("bench.lab.console")
    try:
        terminal.wait_for(nodes.cluster(0))
        terminal.settle()
        _before_the_minute()
        report("wire", "a second of idling", len(terminal.read(1.0)), "B")
        moves = [_answer(terminal, "j") for _ in range(10)]
        report("wire", "a cursor move between sources, median", statistics.median(moves), "B")
        terminal.type("Z")
        terminal.settle()
        moves = [_answer(terminal, "j") for _ in range(20)]
        report("wire", "a cursor move between nodes, median", statistics.median(moves), "B")
        report("wire", "a cursor move between nodes, worst", max(moves), "B")
        _before_the_minute()
        terminal.signal(signal.SIGUSR1)
        report("wire", "a second with 100 changes off screen", len(terminal.read(1.0)), "B")
    finally:
        terminal.close()


def _answer(terminal: Terminal, key: str) -> int:
    """Bytes that follow a key, until nothing more comes."""
    terminal.type(key)
    got, piece = 0, b"-"
    while piece:
        piece = terminal.read(0.5)
        got += len(piece)
    return got


def _before_the_minute() -> None:
    """The clock of the first line is not to move while something else is measured."""
    left = 60 - time.time() % 60
    if left < 3:
        time.sleep(left + 1)
