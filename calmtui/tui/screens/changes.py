"""What changed: one time line of the estate, of what is marked, or of what is under the cursor in the fleet.

Time runs downwards as in the logs: the newest change is the last row, and what came before the
trouble stands above it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.screen import Screen

from calmtui.errors import UsageError
from calmtui.estate import find
from calmtui.estate.around import around
from calmtui.fleet.history import Record, subject
from calmtui.fleet.moment import moment
from calmtui.fleet.node import State
from calmtui.fleet.query import Matcher, QueryError, compile_query
from calmtui.fleet.timeline import Bucket, Entry, Mark, Timeline, bucket_of
from calmtui.store import changes as stored
from calmtui.store.database import StoreError
from calmtui.store.following import LIMIT, Following
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.whose import Whose, whose
from calmtui.tui.widgets import change_chart
from calmtui.tui.widgets.change_row import in_full, in_words, row
from calmtui.tui.widgets.filter_bar import FilterBar
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.log_status import spread
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
BAD = (Mark.FIRST, Mark.BAD, Mark.AGAIN)


class ChangesScreen(Screen[None]):
    """The time line; what it shows is read from the store, where every console of the estate puts what it sees."""

    where = "changes"
    BINDINGS = keys.bindings("changes")
    DEFAULT_CSS = """
    ChangesScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > .chart { height: 1; }
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
        self.line = Timeline()
        """What is shown."""
        self.unseen = 0
        """Changes that came in while the cursor was not on the newest."""
        self.reading = True
        """Whether the store is being read for the first time since something else was asked for."""
        self._signs = of_locale()
        self._choices = whose(fleet_screen)
        self._whose: Whose = self._choices[0]
        self._time = TIMES[1]
        self._chosen: Matcher | None = None
        self._records: list[Record] = []
        self._beginnings: dict[str, float] = {}
        self._following = Following(find.key(self.live.estate), 0.0)
        self._names = 0
        self._begin = self._end = 0.0
        """Of the chart, seconds since the epoch."""
        self._buckets: list[Bucket] = []
        self._counted: object = None
        """What the buckets depend on."""

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield FilterBar()
        yield Still(id="bars", classes="chart")
        yield Still(id="trouble", classes="chart")
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
    def entry(self) -> Entry | None:
        """The entry under the cursor."""
        return self.line.entries[self.rows.cursor] if self.line.entries else None

    # -- reading the store ---------------------------------------------------------

    def _look_back(self, text: str) -> None:
        """Read from that time on. Raises UsageError."""
        begin = 0.0 if text == "all" else moment(text, time.time(), where=":since")
        self._time = text
        self._following = Following(find.key(self.live.estate), begin)
        self._records, self.reading = [], True
        self._rebuild()
        self.run_worker(self._poll(), group="look back", exclusive=True)

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
        at_end = self._at_end
        self._records += records
        self._whose.learn(records)
        if len(self._records) > 2 * LIMIT:
            del self._records[:-LIMIT]
            self._rebuild()
            return
        before = self.line.count
        self._extend(records)
        if at_end:
            self.rows.move(len(self.line.entries) - 1)
        else:
            self.unseen += self.line.count - before
        self._show()

    @property
    def _at_end(self) -> bool:
        """Whether the newest change is under the cursor and in sight, so that the next one is followed to."""
        last = self.rows.cursor >= len(self.line.entries) - 1
        return last and self.rows.scroll_offset.y >= self.rows.max_scroll_y

    # -- what is shown ---------------------------------------------------------------

    def _shows(self, record: Record) -> bool:
        if not self._whose.holds(record):
            return False
        return self._chosen is None or self._chosen(subject(record, self.live.fleet.nodes))

    def _extend(self, records: Iterable[Record]) -> None:
        shown = list(filter(self._shows, records))
        self.line.extend(shown)
        self._names = max([self._names, *(len(record.name) + 5 for record in shown)])
        self.rows.show(len(self.line.entries))

    def _rebuild(self) -> None:
        """Show what is asked for now; the cursor stays with its change, or goes to the newest."""
        entry = self.entry
        self.line, self._names, self.unseen = Timeline(), 0, 0
        self._whose.learn(self._records)
        self._extend(self._records)
        entries = self.line.entries
        again = (
            at for at, other in enumerate(entries) if entry and any(told is entry.record for told in other.records)
        )
        self.rows.move(next(again, len(entries) - 1))
        self._show()

    def _row(self, index: int) -> Sequence[Span]:
        entry = self.line.entries[index]
        width = self.rows.scrollable_content_region.width
        marked = any(record.node in self.fleet_screen.marks for record in entry.records)
        names = min(self._names, max(width // 4, 20))
        return row(entry, width, names, _today(), self._signs, marked=marked)

    def _show(self) -> None:
        self.query_one("#head", Still).tell(self._head())
        self.query_one(FilterBar).show("time", self.line.count, len(self._records))
        self._show_chart()
        self.query_one("#notes", Still).tell(self._notes())
        full = in_full(self.entry, self._signs) if self.entry else [("nothing is under the cursor", "quiet")]
        self.query_one("#details", Still).tell(self._text(full))

    def _show_chart(self) -> None:
        count = change_chart.stretches(self.size.width)
        asked = (self.line, self.line.count, count, int(time.time() // 60))
        if self._counted != asked:  # a cursor key need not count 20,000 changes again
            self._counted, self._end = asked, time.time()
            self._begin = self._following.since or (self._records[0].at if self._records else self._end - 3600)
            self._buckets = self.line.buckets(self._begin, self._end, count)
        begin, end, buckets = self._begin, self._end, self._buckets
        here = bucket_of(self.entry.at, begin, end, count) if self.entry else None
        bars = change_chart.bars(buckets, begin, end, self._signs)
        trouble = change_chart.trouble(buckets, here, self._signs)
        self.query_one("#bars", Still).tell(self._text(bars))
        self.query_one("#trouble", Still).tell(self._text(trouble))

    def _text(self, spans: Iterable[Span]) -> Text:
        text = Text()
        for told, meaning in spans:
            text.append(told, self.rows.style(meaning) or "")
        return text

    def _head(self) -> str:
        line, signs = self.line, self._signs
        parts = ["changes", self._whose.title, self._since()]
        parts.append(f"{line.count:,} change{'s' * (line.count != 1)}")
        if line.bad:
            parts.append(f"{signs.states[State.FAILED]} {line.bad:,} bad")
        new = f"{signs.below} {self.unseen:,} new" if self.unseen else ""
        return spread(parts, new, signs, self.size.width)

    def _since(self) -> str:
        if self._time == "all":
            return "all that is kept"
        begin = datetime.fromtimestamp(self._following.since)
        day = "" if begin.date() == _today() else f"{begin:%m-%d} "
        return f"since {day}{begin:%H:%M} ({self._time})" if self._time in TIMES else f"since {day}{begin:%H:%M}"

    def _notes(self) -> str:
        """What must be known of the list before it is believed: what it cannot hold, and why it is empty."""
        if self.reading:
            return "reading…"
        notes = []
        if not self._following.complete:
            notes.append(f"the newest {LIMIT:,} changes are shown, there are more")
        late: dict[str, list[str]] = {}
        for at, name in sorted((at, name) for name, at in self._beginnings.items()):
            if at > self._following.since:
                late.setdefault(_stamp(at), []).append(name)
        unknown = sorted(set(self.live.fleet.sources) - set(self._beginnings))
        if late:
            told = "; ".join(f"{stamp} of {', '.join(names)}" for stamp, names in late.items())
            notes.append(f"history begins {told}")
        if unknown:
            notes.append(f"nothing is recorded yet of {', '.join(unknown)}")
        if not self.line.entries:
            further = "" if self._time == "all" else "; + looks further back"
            notes.append(f"nothing changed{' that the filter shows' if self._chosen else ''}{further}")
        return f" {self._signs.dot} ".join(notes)

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
        self._chosen = chosen
        self._rebuild()

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
        at = titles.index(name) if name else (self._choices.index(self._whose) + 1) % len(self._choices)
        if len(self._choices) == 1:
            self._say("nothing is marked, and nothing was under the cursor: these are the changes of everything")
        self._whose = self._choices[at]
        self._rebuild()

    # -- moving ----------------------------------------------------------------------

    def _by(self, count: int) -> None:
        full = self.query_one("#full")
        if full.has_focus:
            full.scroll_relative(y=count, animate=False)
        else:
            self.rows.move(self.rows.cursor + count)

    def action_down(self) -> None:
        self._by(1)

    def action_up(self) -> None:
        self._by(-1)

    def action_page_down(self) -> None:
        self._by(max(self.rows.size.height - 1, 1))

    def action_page_up(self) -> None:
        self._by(-max(self.rows.size.height - 1, 1))

    def action_first(self) -> None:
        self.rows.move(0)

    def action_last(self) -> None:
        self.rows.move(len(self.line.entries) - 1)

    def action_next(self) -> None:
        self._to(self.rows.cursor, 1, BAD, "no later change is bad")

    def action_previous(self) -> None:
        self._to(self.rows.cursor, -1, BAD, "no earlier change is bad")

    def action_outage(self) -> None:
        self._to(self.rows.cursor, -1, (Mark.FIRST,), "no outage begins before this; + looks further back")

    def _to(self, index: int, step: int, marks: Sequence[Mark], else_say: str) -> None:
        found = self.line.next(index, step, marks)
        if found is None:
            self._say(else_say)
        else:
            self.rows.move(found)

    # -- what can be done with a change ------------------------------------------------

    def _with_entry(self, do: Callable[[Entry], None]) -> None:
        if self.entry is None:
            self._say("there is no change under the cursor")
        else:
            do(self.entry)

    def action_open(self) -> None:
        self._with_entry(self._open)

    def _open(self, entry: Entry) -> None:
        if self.live.fleet.get(entry.record.node) is None:
            self._say(f"{entry.record.name} is not there any more; t shows the tree as it was")
            return
        self.fleet_screen.visit(entry.record.node, back_to=self)

    async def action_tree(self) -> None:
        if self.entry is None:
            self._say("there is no change under the cursor")
        else:
            record = self.entry.record
            at = record.at if record.not_before is None else record.not_before
            await self.fleet_screen.console.show_past(at, record.node)

    def action_mark(self) -> None:
        self._with_entry(self._mark)

    def _mark(self, entry: Entry) -> None:
        there = [record.node for record in entry.records if self.live.fleet.get(record.node) is not None]
        if there:
            self.fleet_screen.marks.toggle(there)
            self.fleet_screen.post_message(self.fleet_screen.Marked())
        self._say(f"marked in the fleet: {len(self.fleet_screen.marks):,}" if there else "it is not there any more")
        self.rows.refresh()

    def action_copy(self) -> None:
        self._with_entry(self._copy)

    def _copy(self, entry: Entry) -> None:
        lines = [f"{in_words(record)}\t{record.node}\t{record.summary()}" for record in entry.records]
        self.app.copy_to_clipboard("\n".join(lines))
        self._say(f"copied {len(lines)} change{'s' * (len(lines) != 1)}")

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


def _today() -> date:
    return date.fromtimestamp(time.time())


def _stamp(at: float) -> str:
    then = datetime.fromtimestamp(at)
    return f"{then:%H:%M}" if then.date() == _today() else f"{then:%m-%d %H:%M}"
