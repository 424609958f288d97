"""Services and their drift in rows: what is well is quiet, what differs stands out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from calmtui import sanitise
from calmtui.blueprints.drift import Drift, NodeDrift, TierDrift
from calmtui.cli.printing import age
from calmtui.fleet.node import NodeId, State
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.services import Service
from calmtui.tui.widgets.rows import Span

Row = tuple[NodeId | None, Sequence[Span]]
"""What enter goes to, and what is shown."""


def meaning(drift: Drift | None) -> str:
    """`error` when something differs, `warn` when something is not known, `quiet` when all is well."""
    if drift is None or (not drift.wrong and not drift.fine):
        return "warn"
    return "quiet" if drift.fine else "error"


def sign(drift: Drift | None, signs: Glyphs) -> str:
    """The sign that says the same without colour."""
    state = {"error": State.FAILED, "warn": State.UNKNOWN, "quiet": State.RUNNING}[meaning(drift)]
    return signs.states[state]


def service_row(service: Service, names: int, environments: int, signs: Glyphs) -> list[Span]:
    """A service in one environment: its completeness, and the first thing that differs."""
    drift = service.drift
    how = meaning(drift)
    head: list[Span] = [
        (f"{sign(drift, signs)} ", how), (service.bound.blueprint.ljust(names + 2), "strong" if how != "quiet" else ""),
        (service.bound.environment.ljust(environments + 2), ""),
    ]  # fmt: skip
    if drift is None:
        return [*head, (sanitise.word(service.trouble or "not compared yet"), "warn" if service.trouble else "quiet")]
    more = f" {signs.dot} {len(drift.reasons) - 1} more" if len(drift.reasons) > 1 else ""
    said = f"{drift.reasons[0]}{more}" if drift.reasons else asked(service)
    return [*head, (drift.completeness.rjust(10) + "  ", how), (sanitise.word(said), how if drift.reasons else "quiet")]


def asked(service: Service) -> str:
    """Whether the nodes were asked what only they can tell, and when."""
    if service.looks is not None:
        return f"checked {age(time.time() - service.looked_at)} ago"
    if service.drift is not None and service.drift.unchecked:
        return "as far as sources tell; c asks the nodes"
    return ""


def drift_rows(drift: Drift, signs: Glyphs, *, everything: bool) -> Iterator[Row]:
    """Tier by tier: its count, the nodes that differ, and the others folded or not."""
    width = max((len(node.node.name) for tier in drift.tiers for node in tier.nodes), default=0)
    for number, tier in enumerate(drift.tiers, 1):
        yield None, _tier_spans(number, tier)
        yield from ((None, [("    ", ""), (one.sentence, "warn" if one.unknown else "error")])
                    for one in tier.differences)  # fmt: skip
        for node in sorted(tier.bad, key=lambda one: not one.wrong):
            yield node.node.id, _node_spans(node, width, signs)
        good = [node for node in tier.nodes if not node.differences]
        if everything:
            yield from ((node.node.id, _node_spans(node, width, signs)) for node in good)
        elif good:
            yield None, [(f"    {len(good)} as declared", "quiet")]
    if drift.strays:
        yield None, [("in no tier", "error")]
        for stray in drift.strays:
            yield stray.id, [(f"    {signs.states[stray.state]} {stray.name}", "error"), (f"  {stray.id}", "quiet")]
    for source, why in drift.silent.items():
        yield None, [(sanitise.word(f"source {source} does not answer, and may hold more: {why}"), "warn")]


def _tier_spans(number: int, tier: TierDrift) -> list[Span]:
    well = tier.good == tier.total and not tier.differences
    known = not any(node.wrong for node in tier.nodes) and all(one.unknown for one in tier.differences)
    how = "quiet" if well else "warn" if known else "error"
    asks = [("  not asked: c", "quiet")] if tier.unchecked else []
    return [(f"{number} {tier.name}  ", "" if well else "strong"), (f"{tier.good} of {tier.total}", how), *asks]


def _node_spans(node: NodeDrift, width: int, signs: Glyphs) -> list[Span]:
    how = "error" if node.wrong else "warn" if node.differences else "quiet"
    said = "; ".join(one.sentence for one in node.differences) or "as declared"
    name = (node.node.name.ljust(width + 2), "strong" if node.differences else "")
    return [(f"    {signs.states[node.node.state]} ", how), name, (sanitise.word(said), how)]
