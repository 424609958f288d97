"""Approvals: the plans that wait for other people, and what was done by break-glass and nobody has looked at since."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import Screen

from calmtui import sanitise
from calmtui.actions.approved import command_of, nodes_of, plan_of
from calmtui.actions.gate import Gate
from calmtui.errors import CalmError, Refused
from calmtui.fleet.node import State
from calmtui.governance import reviews
from calmtui.governance.approvals import LIVE, Request, Standing
from calmtui.governance.reviews import open_reviews
from calmtui.governance.told import Line, clock, in_full, local, nodes, record_in_full
from calmtui.governance.trail import Sealed
from calmtui.store.ledger import stamp
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.lines import laid_out
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still
from calmtui.tui.widgets.why import Why

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

POLL = 1.0
"""Seconds between two looks at whether the ledger was written to, while the screen is in front."""

MEANINGS = {
    Standing.OPEN: "warn", Standing.APPROVED: "fine", Standing.REJECTED: "error", Standing.WITHDRAWN: "quiet",
    Standing.EXPIRED: "quiet", Standing.USED: "quiet",
}  # fmt: skip

Entry = Request | Sealed
"""A request, or a break-glass that waits for its review."""


class ApprovalsScreen(Screen[None]):
    """The open requests first, each in full below; votes of others show as they come."""

    where = "approvals"
    BINDINGS = keys.bindings("approvals")
    DEFAULT_CSS = """
    ApprovalsScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > Rows { height: auto; max-height: 40%; }
        & > #full { height: 1fr; border-top: solid $panel; padding: 0 1; scrollbar-size-vertical: 1; }
        & > #full:focus { background-tint: $foreground 3%; }
    }
    """

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate
        self.closed = False
        """Whether requests of which nothing can become any more are listed too."""
        self._requests: list[Request] = []
        self._reviews: list[Sealed] = []
        self._entries: list[Entry] = []
        self._stamp: tuple[int, ...] | None = None
        self._answered: Callable[[str], Coroutine[Any, Any, None]] | None = None
        """What is done with the answer to the question that is asked."""
        signs = of_locale()
        self._signs = {
            Standing.OPEN: signs.states[State.PENDING], Standing.APPROVED: signs.states[State.RUNNING],
            Standing.REJECTED: signs.states[State.FAILED], Standing.WITHDRAWN: signs.states[State.STOPPED],
            Standing.EXPIRED: signs.states[State.STOPPED], Standing.USED: signs.states[State.STOPPED],
        }  # fmt: skip
        self._trouble, self._dot = signs.states[State.DEGRADED], signs.dot

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield Rows(self._row)
        with VerticalScroll(id="full"):
            yield Still(id="details")
        yield Why()
        yield Footer()

    def on_mount(self) -> None:
        self.rows.focus()
        self.query_one("#head", Still).tell(" approvals")
        self.set_interval(POLL, self._poll)
        self.call_later(self._poll)

    @property
    def rows(self) -> Rows:
        """The list."""
        return self.query_one(Rows)

    @property
    def entry(self) -> Entry | None:
        """What is under the cursor."""
        return self._entries[self.rows.cursor] if self._entries else None

    # -- following the ledger -------------------------------------------------------

    async def _poll(self) -> None:
        """Read the ledger again if it was written to; what has expired shows without."""
        if not self.is_current:
            return
        try:
            found = await asyncio.to_thread(self._read)
        except CalmError as error:
            self._say(str(error), trouble=True)
            return
        if found is not None:
            self._requests, self._reviews = found
        self._arrange()

    def _read(self) -> tuple[list[Request], list[Sealed]] | None:
        now = stamp(self.gate.trail.path)
        if now == self._stamp:
            return None
        found = self.gate.approvals.newest(), open_reviews(self.gate.trail.path, self.gate.trail.estate)
        self._stamp = now
        return found

    def _arrange(self) -> None:
        """Put what waits for this person first, then what can go on, then the rest; the cursor stays on its entry."""
        now, before = time.time(), self.entry
        live = sorted((one for one in self._requests if one.standing(now) in LIVE), key=self._urgency)
        closed = [one for one in self._requests if one.standing(now) not in LIVE] if self.closed else []
        self._entries = [*live, *self._reviews, *closed]
        self.rows.show(len(self._entries))
        same = (index for index, entry in enumerate(self._entries) if _key(entry) == _key(before))
        self.rows.move(next(same, self.rows.cursor))
        self._show()

    def _urgency(self, request: Request) -> tuple[bool, bool]:
        subject = self.gate.approvals.subject
        return bool(request.may_vote(subject)), request.standing(time.time()) is not Standing.APPROVED

    # -- what it shows --------------------------------------------------------------

    def _show(self) -> None:
        now = time.time()
        standings = [one.standing(now) for one in self._requests]
        counts = {"open": standings.count(Standing.OPEN), "approved": standings.count(Standing.APPROVED),
                  "to review": len(self._reviews)}  # fmt: skip
        told = [f"{count} {what}" for what, count in counts.items() if count] or ["nothing waits"]
        closed = sum(standing not in LIVE for standing in standings)
        told += [f"{closed} closed{'' if self.closed else ': f shows them'}"] if closed else []
        self.query_one("#head", Still).tell(f" {self._dot} ".join([" approvals", *told]))
        width = self.query_one("#full").scrollable_content_region.width
        self.query_one("#details", Still).tell(laid_out(self._lines(now), width, self.rows.style("quiet")))

    def _lines(self, now: float) -> list[Line]:
        match self.entry:
            case Request() as request:
                return in_full(request, now)
            case Sealed() as sealed:
                return [("", "done by break-glass; somebody else looks at it afterwards"),
                        *record_in_full(sealed.record, sealed.seal)]  # fmt: skip
        return [("", "nothing waits for approval, and no break-glass for a review")]

    def _row(self, index: int) -> list[Span]:
        entry = self._entries[index]
        if isinstance(entry, Sealed):
            record = entry.record
            why = f"  by {record.who.name}, {local(record.at)[:16]}: {record.reason}"
            return [(f"{self._trouble} review    ", "error"), (f"{record.seq:<8}  ", ""),
                    (sanitise.word(f"{record.action} of {nodes(record.nodes)}"), "strong"),
                    (sanitise.word(why), "quiet")]  # fmt: skip
        standing = entry.standing(time.time())
        mine = entry.asked.who.name == self.gate.approvals.subject.who.name
        by = "you" if mine else entry.asked.who.name
        return [(f"{self._signs[standing]} {standing.value.ljust(9)} ", MEANINGS[standing]), (f"{entry.id}  ", ""),
                (sanitise.word(entry.asked.summary), "strong"), (sanitise.word(f"  by {by}"), ""),
                (f"  until {clock(entry.expires_at)[5:16]}" if standing in LIVE else "", "quiet")]  # fmt: skip

    def on_rows_moved(self) -> None:
        self.query_one("#full").scroll_home(animate=False)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _say(self, text: str, *, trouble: bool = False) -> None:
        self.query_one(Footer).say(text, trouble=trouble)

    # -- votes ------------------------------------------------------------------------

    def action_approve(self) -> None:
        """Agree to the plan under the cursor, once enter is pressed."""
        if request := self._votable():
            self._ask(f"Approve {request.asked.summary} by {request.asked.who.name}? Reason (may be empty):",
                      lambda reason: self._vote(request, approve=True, reason=reason))  # fmt: skip

    def action_reject(self) -> None:
        """Say no to the plan under the cursor, and why."""
        if request := self._votable():
            self._ask(f"Reject {request.asked.summary} by {request.asked.who.name}, because:",
                      lambda reason: self._vote(request, approve=False, reason=reason))  # fmt: skip

    def action_withdraw(self) -> None:
        """Take back what one asked for oneself."""
        if request := self._request():
            self._ask(f"Withdraw {request.asked.summary}? enter does, esc does not", lambda _: self._withdraw(request))

    def action_review(self) -> None:
        """Say what came of looking at a break-glass."""
        entry = self.entry
        if isinstance(entry, Sealed):
            self._ask("What came of looking at it:", lambda note: self._review(entry.record.seq, note))
        else:
            self._say("this is no break-glass: nothing is to be reviewed")

    def action_carry_out(self) -> None:
        """Open the approved plan, made again, to be carried out."""
        from calmtui.tui import starting  # not needed before
        from calmtui.tui.screens import exec as command
        from calmtui.tui.screens.plan import PlanScreen
        from calmtui.tui.shell import open_shell

        if request := self._request():
            if request.asked.who.name != self.gate.approvals.subject.who.name:
                raise Refused(f"only {request.asked.who.name}, who asked, carries it out")
            if request.standing(time.time()) is not Standing.APPROVED:
                raise Refused(f"it is {request.standing(time.time())}", where=f"approval {request.id}")
            app = cast("CalmApp", self.app)
            if request.asked.action == "runbook":
                starting.again(app, request)
            elif request.asked.action == "exec":
                nodes, line, as_root = command_of(self.gate.live, request)
                command.begin(app, nodes, line=line, as_root=as_root)
            elif request.asked.action == "shell":
                (node,) = nodes_of(self.gate.live, request)
                app.run_worker(open_shell(app, self.gate.live, node), name="shell")
            else:
                self.app.push_screen(PlanScreen(self.gate, plan_of(self.gate.live, request)))

    def _request(self) -> Request | None:
        entry = self.entry
        if isinstance(entry, Request):
            return entry
        self._say("there is no request under the cursor")
        return None

    def _votable(self) -> Request | None:
        request = self._request()
        if request is None:
            return None
        standing, why_not = request.standing(time.time()), request.may_vote(self.gate.approvals.subject)
        if standing not in LIVE or why_not:
            self._say(why_not or f"it is {standing}", trouble=True)
            return None
        return request

    async def _vote(self, request: Request, *, approve: bool, reason: str) -> None:
        if not (approve or reason):
            raise Refused("a rejection says why, for whoever asked")
        done = await asyncio.to_thread(self.gate.approvals.vote, request.id, approve=approve, reason=reason)
        self._say(f"{done.id} is {done.standing(time.time())}")
        await self.gate.tell(done)

    async def _withdraw(self, request: Request) -> None:
        done = await asyncio.to_thread(self.gate.approvals.withdraw, request.id)
        self._say(f"{done.id} is withdrawn")
        await self.gate.tell(done)

    async def _review(self, seq: int, note: str) -> None:
        await asyncio.to_thread(reviews.review, self.gate.trail, seq, note)
        self._say(f"record {seq} is reviewed")

    def _ask(self, question: str, then: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        self._answered = then
        self.query_one(Why).ask(sanitise.word(question))

    def on_why_given(self, event: Why.Given) -> None:
        self.rows.focus()
        if self._answered is not None:
            self.run_worker(self._told(self._answered(event.text)), group="vote", exclusive=True)

    def on_why_left(self) -> None:
        self.rows.focus()

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, and say what went wrong; show what has become of it either way."""
        try:
            await work
        except CalmError as error:
            self._say(str(error), trouble=True)
        await self._poll()

    # -- looking ------------------------------------------------------------------------

    def action_pane(self) -> None:
        (self.rows if self.query_one("#full").has_focus else self.query_one("#full")).focus()

    def action_closed(self) -> None:
        """List what is closed too, or not."""
        self.closed = not self.closed
        self._arrange()

    def action_copy(self) -> None:
        """All that is known of it, to the clipboard."""
        self.app.copy_to_clipboard("\n".join(f"{name.ljust(11)}{said}" for name, said in self._lines(time.time())))
        self._say("copied")

    def action_back(self) -> None:
        if self.query_one("#full").has_focus:
            self.rows.focus()
        else:
            self.app.pop_screen()


def _key(entry: Entry | None) -> str | int | None:
    """What tells an entry from the others."""
    match entry:
        case Request():
            return entry.id
        case Sealed():
            return entry.record.seq
    return None
