"""The first line: what is looked after, what is wrong in numbers, how each source is doing, the time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.widget import Widget

from calmtui.fleet.node import State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.tree_row import age


@dataclass(frozen=True)
class Notice:
    """Something that everybody is to know before they act."""

    text: str
    short: str
    """The same where it is narrow."""
    warns: bool = False


@dataclass(frozen=True)
class Situation:
    """What the line tells."""

    estate: str
    census: Mapping[State, int]
    """All nodes by state."""
    marked: int
    sources: tuple[SourceStatus, ...]
    now: float
    read_only: bool = False
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Colours:
    """Colours by meaning."""

    quiet: Style
    trouble: Style
    warning: Style
    marked: Style


def line(situation: Situation, width: int, glyphs: Glyphs, colours: Colours) -> Text:
    """The line, as wide as asked; sources that are well are the first to go where it is narrow."""
    clock = time.strftime("%H:%M", time.localtime(situation.now))
    bad = [status for status in situation.sources if status.health not in (Health.LIVE, Health.OFF)]
    every = list(situation.sources)
    hidden = len(every) - len(bad)
    shorter = ((False, every, 0), (True, every, 0), (False, bad, hidden), (True, bad, hidden), (True, bad, 0))
    for short, told, more in (*shorter, (True, [], len(every))):
        left = _left(situation, glyphs, colours, short=short)
        right = _right(told, situation, glyphs, colours, more=more)
        right.append(f"  {clock} ")
        if left.cell_len + right.cell_len < width:
            break
    left.truncate(max(width - right.cell_len, 0), overflow="ellipsis")
    left.pad_right(max(width - left.cell_len - right.cell_len, 0))
    return left.append_text(right)


def _left(situation: Situation, glyphs: Glyphs, colours: Colours, *, short: bool) -> Text:
    total = sum(situation.census.values())
    text = Text(f" {situation.estate}", "bold", no_wrap=True)
    text.append(f" {glyphs.dot} {total:,} nodes", colours.quiet)
    wrong = ((State.FAILED, colours.trouble), (State.DEGRADED, colours.warning), (State.UNKNOWN, colours.warning))
    between = f" {glyphs.dot} "
    for state, style in wrong:
        if count := situation.census.get(state, 0):
            said = f"{glyphs.states[state]}{count:,}" if short else f"{glyphs.states[state]} {count:,} {state}"
            text.append(between, colours.quiet).append(said, style)
            between = " "
    if situation.marked:
        text.append(f" {glyphs.dot} ", colours.quiet).append(f"marked {situation.marked:,}", colours.marked)
    if situation.read_only:
        text.append(f" {glyphs.dot} ", colours.quiet).append("read-only", colours.marked)
    for notice in situation.notices:
        said = notice.short if short else notice.text
        text.append(f" {glyphs.dot} ", colours.quiet).append(said, colours.warning if notice.warns else "")
    return text


def _right(told: list[SourceStatus], situation: Situation, glyphs: Glyphs, colours: Colours, *, more: int) -> Text:
    text = Text(" ", no_wrap=True)
    for status in told:
        style = {Health.STALE: colours.trouble, Health.PARTIAL: colours.warning}.get(status.health, colours.quiet)
        text.append(f" {status.name} ", colours.quiet).append(glyphs.healths[status.health], style)
        if status.health in (Health.STALE, Health.CONNECTING) and status.confirmed_at:
            text.append(f" {age(situation.now - status.confirmed_at)}", style)
    if more:
        text.append(f" +{more} {'source' if more == 1 else 'sources'}", colours.quiet)
    return text


def differing(before: str, after: str) -> list[Region]:
    """The part of a line that is to be drawn; none: all of it."""
    if cell_len(before) != cell_len(after) or before == after:
        return []
    begin = _alike(before, after)
    end = _alike(before[begin:][::-1], after[begin:][::-1])
    first, last = cell_len(after[:begin]), cell_len(after[: len(after) - end])
    return [Region(first, 0, last - first, 1)]


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class StatusLine(Widget):
    """Draws the situation that it is shown."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"status--quiet", "status--trouble", "status--warning", "status--marked"}
    DEFAULT_CSS = """
    StatusLine {
        height: 1; background: $panel; color: $foreground;
        & > .status--quiet { color: $text-muted; }
        & > .status--trouble { color: $error; text-style: bold; }
        & > .status--warning { color: $warning; }
        & > .status--marked { color: $secondary; text-style: bold; }
    }
    """

    def __init__(self, situation: Situation, glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs
        self._situation = situation
        self._shown = Text()

    def show(self, situation: Situation) -> None:
        """Tell this now; only that part of the line is drawn which says something else."""
        self._situation = situation
        text = self._line()
        if text != self._shown:
            self.refresh(*differing(self._shown.plain, text.plain))

    def _line(self) -> Text:
        names = ("quiet", "trouble", "warning", "marked")
        colours = Colours(*(self.get_component_rich_style(f"status--{name}", partial=True) for name in names))
        return line(self._situation, self.size.width, self.glyphs, colours)

    def render(self) -> Text:
        """The line."""
        self._shown = self._line()
        return self._shown.copy()
