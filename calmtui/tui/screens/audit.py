"""Audit: the trail of who did what, the newest at the bottom, and whether it is still what was written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen

from calmtui import sanitise
from calmtui.errors import CalmError, UsageError
from calmtui.fleet.fleet import Fleet
from calmtui.governance import trail
from calmtui.governance.sought import Sought, read
from calmtui.governance.told import local, nodes, record_in_full, said
from calmtui.governance.trail import Sealed
from calmtui.store.ledger import Place, stamp, where
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.filter_bar import FilterBar
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.lines import laid_out
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

POLL = 1.0
"""Seconds between two looks at whether the ledger was written to, while the screen is in front."""
KEPT = 5_000
"""Records that are shown, the newest of those that are sought."""
WIDE = 130
"""Columns from which the head of the chain is shown whole."""
SETTLE = 0.2
"""Seconds after the last key of a filter until the trail is searched."""

MEANINGS = {
    "failed": "error", "denied": "error", "rejected": "error", "unknown": "warn", "break-glass": "error",
    "asked": "warn", "ok": "fine", "approved": "fine",
}  # fmt: skip
"""Of events and statuses; the others are plain."""


class AuditScreen(Screen[None]):
    """The trail; what comes in is followed while the cursor is on the newest."""

    where = "audit"
    BINDINGS = keys.bindings("audit")
    DEFAULT_CSS = """
    AuditScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > #chain { height: 1; padding: 0 1; color: $text-muted; }
        & > #chain.-holds { color: $text-success; }
        & > #chain.-broken { background: $error; color: $text; text-style: bold; }
        & > Rows { height: 1fr; }
        & > #full { height: 35%; border-top: solid $panel; padding: 0 1; scrollbar-size-vertical: 1; }
        & > #full:focus { background-tint: $foreground 3%; }
    }
    """

    def __init__(self, ledger: Place, fleet: Fleet, text: str = "") -> None:
        """`fleet` knows the names of nodes; `text` is what is sought at first. Raises UsageError when it is wrong."""
        super().__init__()
        self.ledger = ledger
        self._fleet = fleet
        self._begin_with = text
        self._sought = read(text)
        self._records: list[Sealed] = []
        self._more = False
        """Whether older ones than those shown are sought too."""
        self._stamp: tuple[int, ...] | None = None
        self._reading = True
        self._dot = of_locale().dot

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield Still(id="chain")
        yield FilterBar()
        yield Rows(self._row)
        with VerticalScroll(id="full"):
            yield Still(id="details")
        yield Footer()

    def on_mount(self) -> None:
        self.rows.focus()
        if self._begin_with:
            self.query_one(FilterBar).put(self._begin_with)
        self.set_interval(POLL, self._poll)
        self._search(0.0)
        self.action_verify()
        self._show()

    @property
    def rows(self) -> Rows:
        """A row for each record."""
        return self.query_one(Rows)

    @property
    def record(self) -> Sealed | None:
        """The one under the cursor."""
        return self._records[self.rows.cursor] if self._records else None

    # -- reading the trail -------------------------------------------------------------

    @work(exclusive=True, group="search")
    async def _search(self, settle: float) -> None:
        """Read the newest records that are sought anew."""
        self._reading = True
        await asyncio.sleep(settle)
        sought = self._sought
        self._stamp = stamp(self.ledger)
        try:
            found = await asyncio.to_thread(trail.read, self.ledger, limit=KEPT + 1, sought=sought)
        except CalmError as error:
            self._say(str(error), trouble=True)
            found = []
        self._reading = False
        self._more, self._records = len(found) > KEPT, found[-KEPT:]
        self.rows.show(len(self._records))
        self.rows.move(len(self._records) - 1)
        self._show()

    async def _poll(self) -> None:
        """Take in what was written since."""
        now = stamp(self.ledger)
        if self._reading or now == self._stamp or not self.is_current:
            return
        sought, after = self._sought, self._records[-1].record.seq if self._records else 0
        try:
            found = await asyncio.to_thread(trail.read, self.ledger, after=after, limit=KEPT, sought=sought)
        except CalmError as error:
            self._say(str(error), trouble=True)
            return
        if sought == self._sought and not self._reading:
            self._stamp = now
            self._add(found)

    def _add(self, found: list[Sealed]) -> None:
        last = self.rows.cursor >= len(self._records) - 1
        gone = max(len(self._records) + len(found) - KEPT, 0)
        self._records = [*self._records, *found][gone:]
        self._more = self._more or gone > 0
        self.rows.show(len(self._records))
        self.rows.move(len(self._records) - 1 if last else self.rows.cursor - gone)
        self._show()

    @work(exclusive=True, group="verify")
    async def action_verify(self) -> None:
        """Follow the chain from the first record to the last, and say whether it holds."""
        chain = self.query_one("#chain", Still)
        chain.remove_class("-holds", "-broken")
        chain.tell("chain: being verified")
        try:
            verdict = await asyncio.to_thread(trail.verify, self.ledger)
        except CalmError as error:
            chain.add_class("-broken")
            chain.tell(f"chain: cannot be verified: {error}")
            return
        at = time.strftime("%H:%M:%S")
        chain.add_class("-broken" if verdict.bad else "-holds")
        if verdict.bad:
            chain.tell(f"chain: BROKEN at record {verdict.bad.seq:,}: {verdict.bad.what} {self._dot} {at}")
        else:
            head = verdict.head if self.size.width >= WIDE else f"{verdict.head[:16]}…"
            chain.tell(f"chain: all {verdict.records:,} records hold {self._dot} {at} {self._dot} head {head}")

    # -- what it shows --------------------------------------------------------------------

    def _show(self) -> None:
        number = len(self._records)
        count = f"{number:,} record{'s' * (number != 1)}"
        count += ", the newest; older ones are in the trail" if self._more else ""
        told = "reading" if self._reading else count
        self.query_one("#head", Still).tell(f" audit {self._dot} {told} {self._dot} {where(self.ledger)}")
        self.query_one(FilterBar).show("time", len(self._records), len(self._records))
        item = self.record
        lines = record_in_full(item.record, item.seal) if item else [("", "nothing is under the cursor")]
        width = self.query_one("#full").scrollable_content_region.width
        self.query_one("#details", Still).tell(laid_out(lines, width, self.rows.style("quiet")))

    def _row(self, index: int) -> Sequence[Span]:
        record = self._records[index].record
        event, status = record.event.value, record.status
        at = local(record.at)
        when = at[5:19] if self.size.width < 100 else at[:19]
        node = self._fleet.get(record.nodes[0]) if len(record.nodes) == 1 else None
        what = f"{record.action} {node.name if node else nodes(record.nodes)}".strip()
        return [
            (f"{when}  ", "quiet"), (sanitise.word(record.who.name)[:10].ljust(10) + "  ", "strong"),
            ((status or event).ljust(11) + "  ", MEANINGS.get(status or event, "")),
            (sanitise.word(what) + "  ", ""), (sanitise.word(said(record)), "quiet"),
        ]  # fmt: skip

    def on_rows_moved(self) -> None:
        self.query_one("#full").scroll_home(animate=False)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _say(self, text: str, *, trouble: bool = False) -> None:
        self.query_one(Footer).say(text, trouble=trouble)

    # -- the filter -----------------------------------------------------------------------

    def action_filter(self, text: str) -> None:
        """Show only what is sought."""
        bar = self.query_one(FilterBar)
        if text:
            bar.put(text)
        else:
            bar.type()

    def action_plan(self) -> None:
        """Only what belongs to the plan of the record under the cursor."""
        if self.record is None or not self.record.record.plan:
            self._say("this record belongs to no plan")
        else:
            self.query_one(FilterBar).put(f"plan={self.record.record.plan[:16]}")

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        try:
            self._seek(read(event.text))
        except UsageError as error:  # half typed: the last one that could be read stays on
            self._say(str(error))

    def _seek(self, sought: Sought) -> None:
        if sought != self._sought:
            self._sought = sought
            self._search(SETTLE)

    def on_filter_bar_left(self) -> None:
        self.rows.focus()

    # -- taking ---------------------------------------------------------------------------

    async def action_export(self, path: str) -> None:
        """Write the whole trail as lines of JSON to a file that is not there yet. Raises CalmError."""
        name = path or time.strftime("calmtui-audit-%Y%m%d-%H%M%S.jsonl")
        done = await asyncio.to_thread(lambda: trail.export_to(self.ledger, Path(name).expanduser()))
        self._say(f"{done.records:,} records in {name} {self._dot} head {done.head[:16]}…")

    def action_copy(self) -> None:
        """The record as it was sealed, to the clipboard."""
        if self.record is not None:
            self.app.copy_to_clipboard(self.record.line)
            self._say(f"record {self.record.record.seq} copied")

    # -- looking ---------------------------------------------------------------------------

    def action_pane(self) -> None:
        (self.rows if self.query_one("#full").has_focus else self.query_one("#full")).focus()

    def action_back(self) -> None:
        """One thing less: the focus on the record, then the filter, then the screen."""
        bar = self.query_one(FilterBar)
        if self.query_one("#full").has_focus:
            self.rows.focus()
        elif bar.text:
            bar.put("")
        else:
            self.app.pop_screen()
