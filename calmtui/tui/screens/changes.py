"""What changed: one time line of the estate, of what is marked, or of what is under the cursor in the fleet.

Time runs downwards as in the logs: the newest change is the last row, and what came before the
trouble stands above it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.screen import Screen

from calmtui.errors import UsageError
from calmtui.estate import find
from calmtui.estate.around import around
from calmtui.fleet.history import Record
from calmtui.fleet.moment import moment
from calmtui.fleet.query import QueryError, compile_query
from calmtui.fleet.timeline import Entry, Timeline
from calmtui.store import changes as stored
from calmtui.store.database import StoreError
from calmtui.store.following import Following
from calmtui.tui import keys
from calmtui.tui.changes_acting import ChangesActing
from calmtui.tui.changes_jumping import ChangesJumping
from calmtui.tui.glyphs import of_locale
from calmtui.tui.shown_changes import ShownChanges
from calmtui.tui.whose import whose
from calmtui.tui.widgets import change_words
from calmtui.tui.widgets.change_chart import ChangeChart
from calmtui.tui.widgets.change_row import in_full, row
from calmtui.tui.widgets.filter_bar import FilterBar
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

if TYPE_CHECKING:
    from calmtui.tui.screens.fleet import FleetScreen

POLL = 1.0
"""Seconds between two looks into the store while the screen is in front."""
TIMES = ("15m", "1h", "6h", "24h", "all")
"""How far back the keys look."""
TALL = 30
"""Lines from which the details stand below the time line without being asked for."""


class ChangesScreen(Screen[None]):
    """The time line; what it shows is read from the store, where every console of the estate puts what it sees."""

    where = "changes"
    BINDINGS = keys.bindings("changes")
    DEFAULT_CSS = """
    ChangesScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > #notes { height: auto; max-height: 3; color: $text-muted; padding: 0 1; }
        & #both { height: 1fr; }
        & #full { display: none; height: auto; max-height: 40%; border-top: solid $panel; padding: 0 1;
                  scrollbar-size-vertical: 1; }
        & #full:focus { background-tint: $foreground 3%; }
        &.-full #full { display: block; }
    }
    """

    def __init__(self, fleet_screen: FleetScreen) -> None:
        super().__init__()
        self.fleet_screen = fleet_screen
        self.live = fleet_screen.live
        self.unseen = 0
        """Changes that came in while the cursor was not on the newest."""
        self.reading = True
        """Whether the store is being read for the first time since something else was asked for."""
        self.parts = (ChangesActing(self), ChangesJumping(self))
        """What carries out commands beside the screen itself."""
        self._signs = of_locale()
        self._choices = whose(fleet_screen)
        self._time = TIMES[1]
        self.shown = ShownChanges(fleet_screen.fleet, self._choices[0])
        self._narrowing: Iterator[None] = iter(())
        self._beginnings: dict[str, float] = {}
        self._following = Following(find.key(self.live.estate), 0.0)

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield FilterBar()
        yield ChangeChart(self._signs, self._style)
        yield Still(id="notes")
        with Container(id="both"):
            yield Rows(self._row)
        with VerticalScroll(id="full"):
            yield Still(id="details")
        yield Footer()

    def on_mount(self) -> None:
        self.set_class(self.app.size.height >= TALL, "-full")
        self.rows.focus()
        self.set_interval(POLL, self._poll)
        self.set_interval(60, self._show)  # the chart ends now
        self._look_back(self._time)

    @property
    def rows(self) -> Rows:
        """The time line, a row for each entry."""
        return self.query_one(Rows)

    @property
    def line(self) -> Timeline:
        """What is shown."""
        return self.shown.line

    @property
    def entry(self) -> Entry | None:
        """The entry under the cursor."""
        return self.line.entries[self.rows.cursor] if self.line.entries else None

    # -- reading the store ---------------------------------------------------------

    def _look_back(self, text: str) -> None:
        """Read from that time on. Raises UsageError."""
        begin = 0.0 if text == "all" else moment(text, time.time(), where=":since")
        self._time = text
        self._following = Following(find.key(self.live.estate), begin)
        self.reading, self.unseen = True, 0
        self.shown.clear()
        self._again(None)
        self._poll_now()

    @work(exclusive=True, group="look back")
    async def _poll_now(self) -> None:
        await self._poll()

    async def _poll(self) -> None:
        following = self._following
        if not self.is_current and not self.reading:
            return
        try:
            found = await asyncio.to_thread(following.read)
            if self.reading:
                self._beginnings = await asyncio.to_thread(stored.first_at, find.key(self.live.estate))
        except StoreError as error:
            self._say(str(error), trouble=True)
            return
        if following is not self._following:  # something else was asked for meanwhile
            return
        first, self.reading = self.reading, False
        if found:
            self._take(found)
        elif first:
            self._show()

    def _take(self, records: list[Record]) -> None:
        at_end, entry = self._at_end, self.entry
        count = self.shown.add(records)
        self._again(None if at_end else entry)
        if self.shown.trim():
            self._narrow()
        if not at_end:
            self.unseen += count
            self._show()

    @property
    def _at_end(self) -> bool:
        """Whether the newest change is under the cursor and in sight, so that the next one is followed to."""
        last = self.rows.cursor >= len(self.line.entries) - 1
        return last and self.rows.scroll_offset.y >= self.rows.max_scroll_y

    # -- what is shown ---------------------------------------------------------------

    def _again(self, entry: Entry | None) -> None:
        """Show the time line, which may be another; the cursor is put on an entry, or on the newest."""
        self.rows.show(len(self.line.entries))
        at = self.shown.find(entry.record) if entry is not None else None
        if at is None:
            self.rows.move(len(self.line.entries) - 1)
        elif at != self.rows.cursor:
            self.rows.move(at)
        self._show()

    def _narrow(self) -> None:
        self.unseen = 0
        self._narrowing = self.shown.narrow()
        self._narrow_on(self._narrowing)

    def _narrow_on(self, narrowing: Iterator[None]) -> None:
        """Narrow a slice further: keys have their turn in between."""
        if narrowing is not self._narrowing:
            return  # something else was asked for since
        entry = self.entry
        for _ in narrowing:
            self.call_later(self._narrow_on, narrowing)
            return
        self._again(entry)

    def _row(self, index: int) -> Sequence[Span]:
        entry = self.line.entries[index]
        width = self.rows.scrollable_content_region.width
        marked = any(record.node in self.fleet_screen.marks for record in entry.records)
        names = min(self.shown.longest + 5, max(width // 4, 20))
        return row(entry, width, names, date.fromtimestamp(time.time()), self._signs, marked=marked)

    def _show(self) -> None:
        line, signs, today = self.line, self._signs, date.fromtimestamp(time.time())
        since = change_words.since(self._time, self._following.since, today)
        head = change_words.head(line, self.shown.whose.title, since, self.unseen, signs, self.size.width)
        self.query_one("#head", Still).tell(head)
        self.query_one(FilterBar).show("time", self.line.count, len(self.shown.records))
        self.query_one(ChangeChart).show(self.line, self._following.since, self.entry.at if self.entry else None)
        self.query_one("#notes", Still).tell(self._notes(today))
        full = in_full(self.entry, self._signs) if self.entry else [("nothing is under the cursor", "quiet")]
        self.query_one("#details", Still).tell(self._text(full))

    def _notes(self, today: date) -> str:
        if self.reading:
            return "reading…"
        following, known, everything = self._following, self.live.fleet.sources, self._time == "all"
        notes = change_words.limits(
            self.line, complete=following.complete, narrowed=self.shown.chosen is not None, everything=everything
        )
        notes += change_words.beginnings(self._beginnings, known, following.since, today)
        return f" {self._signs.dot} ".join(notes)

    def _text(self, spans: Iterable[Span]) -> Text:
        text = Text()
        for told, meaning in spans:
            text.append(told, self._style(meaning) or "")
        return text

    def _style(self, meaning: str) -> Style | None:
        return self.rows.style(meaning)

    def _say(self, text: str, *, trouble: bool = False) -> None:
        self.query_one(Footer).say(text, trouble=trouble)

    def on_resize(self) -> None:
        self._show()

    def on_rows_moved(self) -> None:
        if self.rows.cursor == len(self.line.entries) - 1:
            self.unseen = 0
        self._show()

    # -- what is asked for ---------------------------------------------------------

    def action_filter(self, query: str) -> None:
        bar = self.query_one(FilterBar)
        if query:
            bar.put(query)
        else:
            bar.type()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        bar = self.query_one(FilterBar)
        try:
            chosen = compile_query(event.text, around(self.live, self.fleet_screen.marks)) if event.text else None
        except QueryError as error:
            bar.complain(error)  # the last filter that could be read stays on
            return
        bar.complain(None)
        self.shown.chosen = chosen
        self._narrow()

    def on_filter_bar_left(self) -> None:
        self.rows.focus()
        self._show()

    def action_longer(self) -> None:
        self._step(1)

    def action_shorter(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        at = TIMES.index(self._time) + step if self._time in TIMES else 1
        if 0 <= at < len(TIMES):
            self._look_back(TIMES[at])
        else:
            self._say("this is all that is kept" if step > 0 else f":since looks back less than {TIMES[0]}")

    def action_since(self, text: str) -> None:
        """Look back to that time; without one, further than now."""
        if text:
            self._look_back(text)
        else:
            self._step(1)

    def action_whose(self, name: str) -> None:
        """Show the changes of that; without a name, of the next that there is to choose."""
        titles = [choice.name for choice in self._choices]
        if name and name not in titles:
            raise UsageError(f"there is no {name!r} to choose", next_step=f"there are {', '.join(titles)}")
        at = titles.index(name) if name else (self._choices.index(self.shown.whose) + 1) % len(self._choices)
        if len(self._choices) == 1:
            self._say("nothing is marked, and nothing was under the cursor: these are the changes of everything")
        self.shown.whose = self._choices[at]
        self._narrow()

    # -- the details ----------------------------------------------------------------------

    def action_details(self) -> None:
        self.toggle_class("-full")
        self.rows.focus()

    def action_pane(self) -> None:
        if self.query_one("#full").has_focus:
            self.rows.focus()
        else:
            self.add_class("-full")
            self.query_one("#full").focus()

    def action_back(self) -> None:
        """One thing less: the focus on the details, then the filter, then the screen."""
        bar = self.query_one(FilterBar)
        if self.query_one("#full").has_focus:
            self.rows.focus()
        elif bar.text:
            bar.put("")
        else:
            self.app.pop_screen()
