"""What is known of a node, as lines: the answer first (state, reason, since when), then facts, then labels."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rich.text import Text

from calmtui.fleet.history import Record
from calmtui.fleet.link import Link, Relation
from calmtui.fleet.node import TROUBLE, Node, State
from calmtui.fleet.row import Row
from calmtui.fleet.source import SourceStatus
from calmtui.providers.base import NodeEvent
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.change_row import in_words, sign
from calmtui.tui.widgets.tree_row import Styles, age, health_style, other_word, state_style

FIELDS = {"image": "image", "address": "addresses", "env": "env", "service": "service", "region": "region",
          "raw state": "raw_state"}  # fmt: skip
"""Lines of the overview, and the field of a node that each of them tells."""


def head(node: Node, now: float, glyphs: Glyphs, styles: Styles, *, stale: bool) -> Text:
    """Name and state: the two lines that stay whatever is shown below."""
    text = Text(node.name, "bold", no_wrap=True, overflow="ellipsis")
    dot = f" {glyphs.dot} "
    text.append(dot + dot.join(part for part in (node.kind, node.service, node.source) if part), styles.quiet)
    text.append(f"\n{glyphs.states[node.state]} {node.state}", state_style(node.state, styles))
    word = other_word(node)
    said = [word, node.reason if node.reason != word else ""]
    if node.restarts:
        said.append(f"{node.restarts} restarts" if node.restarts > 1 else "1 restart")
    if stale:
        said.append(f"last seen {age(now - node.observed_at)} ago" if node.observed_at else "not confirmed yet")
    text.append("".join(dot + part for part in said if part))
    return text


def source_head(status: SourceStatus, glyphs: Glyphs, styles: Styles) -> Text:
    """Name and health of a source."""
    text = Text(status.name, "bold", no_wrap=True).append(f" {glyphs.dot} {status.kind}", styles.quiet)
    return text.append(f"\n{glyphs.healths[status.health]} {status.health}", health_style(status.health, styles))


def source(status: SourceStatus, now: float, styles: Styles) -> Text:
    """How a source is doing, in full: what is wrong and what to do about it, then figures."""
    text = Text()
    if status.error and not status.scopes:
        text.append(f"{status.error}\n\n", styles.warning)
    for scope, error in status.scopes.items():
        text.append(f"{scope}\n" if scope else "").append(f"{error}\n\n", styles.warning)
    told = [
        ("nodes", f"{status.nodes:,}"),
        ("confirmed", f"{age(now - status.confirmed_at)} ago" if status.confirmed_at else "never"),
        ("first answer", f"took {status.took_ms:,} ms" if status.took_ms is not None else ""),
        ("failed", f"{status.reconnects}×" if status.reconnects else ""),
        ("next attempt", time.strftime("%H:%M:%S", time.localtime(status.retry_at)) if status.retry_at else ""),
    ]
    for name, value in told:
        if value:
            text.append(f"{name:<14}", styles.quiet).append(f"{value}\n")
    return text


def group_head(row: Row, styles: Styles) -> Text:
    """Name and size of a group."""
    return Text(row.name or "none", "bold", no_wrap=True).append(f"\n{row.total:,} nodes", styles.quiet)


def group(row: Row, glyphs: Glyphs, styles: Styles) -> Text:
    """How many nodes of a group are in which state, trouble first."""
    text = Text()
    for state in sorted(row.counts, key=lambda state: (state not in TROUBLE, state != State.FAILED, state)):
        text.append(f"{glyphs.states[state]} {state:<12}", state_style(state, styles))
        text.append(f"{row.counts[state]:>7,}\n")
    return text


def overview(
    node: Node, places: Sequence[Link], altered: Mapping[str, Record], now: float, glyphs: Glyphs, styles: Styles
) -> Text:
    """Everything that the tree knows of a node; `places` as `Links.places` has them, `altered` as `history.latest`."""
    leads = leading(places, glyphs)
    known = [
        ("id", node.id),
        ("age", age(now - node.created) if node.created else ""),
        ("image", node.image),
        ("address", " ".join(node.addresses)),
        ("env", node.env),
        ("service", node.service),
        ("region", node.region),
        ("raw state", node.raw_state),
        *leads.items(),
        *((name, value) for name, value in node.facts.items() if name not in leads),
    ]
    text = Text()
    width = min(max((len(name) for name, value in known if value), default=0), 18) + 2
    for name, value in known:
        if value:
            text.append(f"{name:<{width}}", styles.quiet).append(value)
            field = FIELDS.get(name, "")
            text.append(f"{_was(altered.get(field), field, now, glyphs)}\n", styles.warning)
    for number, (name, value) in enumerate(sorted(node.labels.items())):
        text.append(f"{'labels' if not number else '':<{width}}", styles.quiet)
        text.append(f"{name}=", styles.quiet).append(f"{value}\n")
    return text


def _was(record: Record | None, field: str, now: float, glyphs: Glyphs) -> str:
    """`  ← changed 14m ago, was shop/web:1.9.1`; empty when it did not change."""
    if record is None:
        return ""
    [(_, before, _)] = [told for told in record.differences() if told[0] == field]
    return f"  {glyphs.was} changed {age(now - record.at)} ago, was {before}"


def leading(places: Sequence[Link], glyphs: Glyphs) -> dict[str, str]:
    """What a node is elsewhere, and what it runs on, each in one line: `edge-7 → instance web-1 (aws) → …`."""
    lines = {}
    for relation in (Relation.SAME, Relation.RUNS_ON):
        found = [link for link in places if link.relation is relation]
        if found:
            # What it runs on is told under its kind, as `node` or `engine`.
            name = "is" if relation is Relation.SAME else found[0].node.kind
            leads = f" {glyphs.arrow} ".join(map(_lead, found))
            lines[name] = leads.removeprefix(f"{name} ")
    return lines


def _lead(link: Link) -> str:
    maybe = "maybe " if link.guess else ""
    return f"{maybe}{link.node.kind} {link.node.name} ({link.node.source})"


def changes(records: Sequence[Record], now: float, glyphs: Glyphs, styles: Styles) -> Text:
    """What changed of a node, the latest first, because that is the question."""
    text = Text()
    for record in reversed(records):
        text.append(f"{age(now - record.at):>4} ago  ", styles.quiet)
        text.append(f"{sign(record, glyphs)} ", styles.trouble if record.bad else styles.quiet)
        between = f"  {in_words(record)}" if record.not_before is not None else ""
        text.append(record.summary(), styles.trouble if record.bad else "").append(f"{between}\n", styles.quiet)
    return text if records else Text("nothing is recorded of it", styles.quiet)


def events(told: list[NodeEvent], now: float, styles: Styles) -> Text:
    """What happened, the latest first, because that is the question."""
    text = Text()
    for event in reversed(told):
        text.append(f"{age(now - event.at):>4} ago  ", styles.quiet)
        text.append(event.reason, styles.warning if event.trouble else "bold")
        if event.count > 1:
            text.append(f" ×{event.count}", styles.quiet)
        text.append(f"  {event.text}\n")
    return text if told else Text("nothing is told of it", styles.quiet)
