"""Results on stdout: aligned columns for people, JSON for scripts. No colour codes but on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from calmtui.fleet.node import State

Cell = tuple[str, str]
"""Text, and the name of its style in `STYLES`; empty: plain."""

STYLES = {"head": "1", "trouble": "31", "warning": "33", "fine": "32", "quiet": "2"}
"""SGR parameters. Colour is never the only sign: the word stands there too."""

STATE_STYLES = {
    State.RUNNING: "fine", State.FAILED: "trouble", State.DEGRADED: "warning", State.UNKNOWN: "warning",
    State.PENDING: "warning", State.STOPPING: "warning", State.STOPPED: "quiet", State.GONE: "quiet",
}  # fmt: skip


def coloured() -> bool:
    """Whether stdout takes colours: a terminal that is not dumb, and nobody said NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str) -> str:
    """The text in a style, where stdout takes it."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style and text and coloured() else text


def out(text: str) -> None:
    """Write a line of results, at once."""
    print(text, flush=True)  # noqa: T201 -- the one place


def out_json(value: Any) -> None:
    """Write a JSON document: indented on a terminal, one line otherwise."""
    out(json.dumps(value, indent=2 if sys.stdout.isatty() else None))


def out_table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write aligned columns. On a terminal the last one is cut to fit; in a pipe nothing is."""
    table = [[(title, "head") for title in head], *rows]
    widths = [max(cell_len(text) for text, _ in column) for column in zip(*table, strict=True)]
    limit = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
    out("\n".join(_row(row, widths, limit) for row in table))


def _row(row: Sequence[Cell], widths: Sequence[int], limit: int | None) -> str:
    *cells, (last, last_style) = row
    line = "".join(
        styled(text, style) + " " * (width - cell_len(text) + 2)
        for (text, style), width in zip(cells, widths, strict=False)
    )
    room = None if limit is None else max(limit - sum(widths[:-1]) - 2 * len(cells), 0)
    if room is not None and cell_len(last) > room:
        last = set_cell_size(last, room - 1) + "…" if room else ""
    whole = line + styled(last, last_style)
    return whole if last else line.rstrip()


def age(seconds: float) -> str:
    """A duration in its largest unit: `41s`, `12m`, `3h`, `4d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(int(seconds), 0)}s"
