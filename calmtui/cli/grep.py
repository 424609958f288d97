"""`calmtui logs --grep`: what the logs of nodes hold, counted first; then the lines, in the order of time."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import aclosing
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from calmtui import sanitise
from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.printing import age, coloured, out, out_table, styled
from calmtui.cli.settings import Settings
from calmtui.errors import CalmError
from calmtui.logs.asking import Asked
from calmtui.logs.line import SECOND, rfc3339
from calmtui.logs.output import as_text, clock
from calmtui.logs.results import Results, bars, size
from calmtui.logs.search import Ended, Expression, search
from calmtui.logs.selection import readable
from calmtui.providers.base import Counted, Remark

if TYPE_CHECKING:
    from calmtui.fleet.node import Node
    from calmtui.providers.base import Finding

SHOWN = 12
"""Notes about streams that are told one by one; the rest are counted."""
_BARS = " ▁▂▃▄▅▆▇█"
_WIDE = 60
"""Bars of a histogram at the most."""


async def grep(chosen: Settings, query: str, asked: Asked, *, count: bool, as_json: bool, wait: float) -> int:
    """Search the logs of the nodes that a query selects, and print what is found; with `count`, only how much it is.

    Returns what to exit with.
    """
    from calmtui.cli.opened import opened

    request = asked.request(lines=not count)
    async with opened(chosen, wait, query) as estate:
        nodes = [node for node in estate.one_or_more(query) if "logs" in node.offers]
        if not nodes:
            raise CalmError(f"none of the nodes that match {query!r} offers logs")
        began = time.monotonic()
        results, told = Results(), set[str]()
        async with aclosing(search(estate.live, readable(estate.live.fleet, nodes), request)) as findings:
            async for node, finding in findings:
                results.take(node, finding)
                if isinstance(finding, Remark):
                    _remark(node, finding, told)
                elif as_json:
                    _tell(node, finding)
        took = time.monotonic() - began
        if as_json:
            _print_json(results, took)
        elif count:
            _print_counts(results)
        else:
            _print_lines(results, asked.compiled(), context=asked.context > 0)
        _say_troubles(results)
        _say_summary(results, request.bucket, took)
        failed = estate.failed or any(result.error for result in results.nodes.values())
        return ExitCode.FAILED if failed else ExitCode.FINE


def _remark(node: Node, remark: Remark, told: set[str]) -> None:
    """Say it at once, it may be a warning; and once, however many nodes it is true of."""
    if remark.text not in told and len(told) < SHOWN:
        told.add(remark.text)
        say(f"calmtui: {': '.join(filter(None, (node.name, remark.stream, remark.text)))}")


# -- for people -----------------------------------------------------------------


def _print_lines(results: Results, expression: Expression, *, context: bool) -> None:
    twice = Counter(result.node.name for result in results.nodes.values())
    for number, piece in enumerate(results.pieces()):
        if context and number:
            out(styled("--", "quiet"))
        for row in piece:
            origin = row.line.origin
            name = origin.node if twice[origin.node] == 1 else origin.node_id
            file = PurePosixPath(origin.stream).name
            name = f"{name}:{file}" if file else name
            if row.match:
                out(_marked(as_text(row.line, name), clock(row.line), name, expression))
            else:
                out(styled(as_text(row.line, f"{name}-"), "quiet"))


def _marked(text: str, at: str, name: str, expression: Expression) -> str:
    """A line with what matches in colour, on a terminal that has any."""
    if not coloured():
        return text
    begin = len(at) + len(name) + 2
    parts, end = [text[:begin]], begin
    for first, last in expression.places(text[begin:]):
        parts += [text[end : begin + first], styled(text[begin + first : begin + last], "trouble")]
        end = begin + last
    return "".join(parts) + text[end:]


def _print_counts(results: Results) -> None:
    rows = []
    for result in results.nodes.values():
        for name, counted in result.streams.items():
            read = f"{size(counted.scanned)} of {size(counted.total)}"
            rows.append((result.node.id, counted.matches, sanitise.word(name), read))
    rows.sort(key=lambda row: (-row[1], row[0], row[2]))
    out_table(
        ("MATCHES", "NODE", "STREAM", "READ"),
        [((f"{matches:,}", ""), (node, ""), (name or "-", ""), (read, "quiet")) for node, matches, name, read in rows],
    )


def _say_troubles(results: Results) -> None:
    troubles = [f"{result.node.name}: {result.error}" for result in results.nodes.values() if result.error]
    for result in results.nodes.values():
        troubles += [": ".join(filter(None, (result.node.name, name, why))) for name, why in result.cuts]
    for trouble in troubles[:SHOWN]:
        say(f"calmtui: {trouble}")
    if len(troubles) > SHOWN:
        say(f"calmtui: … and {len(troubles) - SHOWN:,} more like these; --json has them all")


def _say_summary(results: Results, width: int, took: float) -> None:
    holding = sum(result.matches > 0 for result in results.nodes.values())
    say(
        f"calmtui: {results.matches:,} matches in {holding:,} of {len(results.nodes):,} nodes · "
        f"{size(results.scanned)} of {size(results.total)} read in {took:.1f} s"
    )
    heights, first, width = bars(results.histogram, width, _WIDE)
    if len(heights) > 1:
        top = max(heights)
        drawn = "".join(_BARS[-(-height * (len(_BARS) - 1) // top)] for height in heights)
        say(
            f"{_clock(first)} ▕{drawn}▏ {_clock(first + len(heights) * width)} · a bar is {age(width)}, at most {top:,}"
        )


def _clock(seconds: int) -> str:
    return f"{rfc3339(seconds * SECOND)[:16]}Z"


# -- for programs ------------------------------------------------------------------


def _tell(node: Node, finding: Finding | Ended) -> None:
    """Counts and ends as they come; lines wait for their order."""
    match finding:
        case Counted():
            _object("count", node, **_counts(finding))
        case Ended(error) if error:
            _object("failed", node, error=error)


def _counts(counted: Counted) -> dict[str, Any]:
    return {
        "stream": sanitise.word(counted.stream),
        "matches": counted.matches,
        "histogram": _times(counted.histogram),
        "scanned": counted.scanned,
        "total": counted.total,
        "cut": sanitise.word(counted.cut) or None,
    }


def _print_json(results: Results, took: float) -> None:
    for number, piece in enumerate(results.pieces()):
        for row in piece:
            line = row.line
            ts = None if line.ts is None else rfc3339(line.ts)
            where = {"source": line.origin.source, "node": line.origin.node_id, "name": line.origin.node}
            _write("line", ts=ts, **where, stream=line.origin.stream, text=line.text, match=row.match,
                   position=row.position, piece=number)  # fmt: skip
    _write(
        "end",
        matches=results.matches,
        nodes=len(results.nodes),
        scanned=results.scanned,
        total=results.total,
        seconds=round(took, 3),
        histogram=_times(results.histogram),
    )


def _times(histogram: dict[int, int]) -> dict[str, int]:
    return {rfc3339(second * SECOND): matches for second, matches in sorted(histogram.items())}


def _object(kind: str, node: Node, **values: Any) -> None:
    _write(kind, source=node.source, node=node.id, name=node.name, **values)


def _write(kind: str, **values: Any) -> None:
    out(msgspec.json.encode({"type": kind, **values}).decode())
