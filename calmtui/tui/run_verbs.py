"""What people do about a run from its screen: approve and reject, pause and resume, abort, roll back, retry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from calmtui import sanitise
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError, Refused, UsageError
from calmtui.governance.approvals import LIVE, Request
from calmtui.runbooks import again, steered
from calmtui.runbooks.answer import answer, inputs
from calmtui.runbooks.journal import Journal, Run, Standing
from calmtui.runbooks.steps.input import Input
from calmtui.runbooks.worker import start
from calmtui.tui import run_words
from calmtui.tui.widgets.why import Why

if TYPE_CHECKING:
    from calmtui.tui.screens.run import RunScreen

Do = Callable[[Journal, Run, str], Run]
"""Carries out a verb for a person; blocks."""


class RunVerbs:
    """A part of a run's screen: what cannot be done now says why, and what cannot be taken back asks first."""

    def __init__(self, screen: RunScreen) -> None:
        self._screen = screen
        self._then: Callable[[str], Coroutine[Any, Any, None]] | None = None
        """What is done with the answer to the question that is asked."""

    def waits(self) -> str:
        """What the run waits for and which keys help; empty when it waits for nothing."""
        run = self._screen.run_now
        asked = {"pause": "it is to pause", "cancel": "it is to end", "rollback": "it is to roll back"}
        if run.standing is Standing.PAUSED:
            return "it is paused: p goes on, c ends it, b rolls back"
        if not run.standing.ended and run.wanted:
            return f"{asked[run.wanted]}: what is under way ends first"
        if not run_words.needs_someone(run):
            looks = run.standing is Standing.WAITING or run.detail.startswith("looks at ")
            return sanitise.word(run.detail) if looks and not run.standing.ended else ""
        help_ = "i answers" if self._asked() else "a approves, x rejects" if "approval " in run.detail else ""
        return sanitise.word(run.detail) + (f" {self._screen.signs.dot} {help_}" if help_ else "")

    def of_no_use(self) -> frozenset[str]:
        """The ids of commands that can do nothing now."""
        run, board = self._screen.run_now, self._screen.board
        ended, paused, well = run.standing.ended, run.standing is Standing.PAUSED, run.standing is Standing.OK
        asks = run_words.needs_someone(run) and "approval " in run.detail
        can = {
            "approve": asks, "reject": asks, "answer": not ended and bool(self._asked()),
            "pause": not ended, "abort": not ended,
            "retry": ended and not well and board is not None and bool(board.progress.bad()),
            "resume": paused or (ended and not well),
            "roll-back": (ended or paused) and board is not None and bool(board.plan.rollback and board.progress.begun),
        }  # fmt: skip
        return frozenset(f"run.{name}" for name, possible in can.items() if not possible)

    # -- the verbs --------------------------------------------------------------------

    def action_pause(self) -> None:
        """Have the run pause; of one that is paused, have it go on."""
        run = self._screen.run_now
        if run.standing is Standing.PAUSED or run.wanted == "pause":
            self._begin(self._do(lambda journal, run, by: journal.want(run.id, "", by), "resume", "it goes on"))
        elif run.standing.ended:
            raise UsageError(f"it has ended: it is {run.standing}", next_step="r retries what failed, u does the rest")
        else:
            self._begin(self._do(lambda journal, run, by: journal.want(run.id, "pause", by), "pause", "it is to pause"))

    def action_abort(self) -> None:
        """Have the run end, once that is typed."""
        run = self._screen.run_now
        if run.standing.ended:
            raise UsageError(f"it has ended: it is {run.standing}")
        under_way = self._screen.board.counts[Status.RUNNING] if self._screen.board is not None else 0
        self._ask(f"Abort: {under_way} nodes are under way, nothing is rolled back. Type abort:", "abort",
                  lambda journal, run, by: journal.want(run.id, "cancel", by), "it is to end")  # fmt: skip

    def action_roll_back(self) -> None:
        """Have what the run did taken back, once that is typed."""
        run, board = self._screen.run_now, self._screen.board
        if board is not None and not board.plan.rollback:
            raise UsageError(f"{run.runbook} has no steps that take it back")
        if not run.standing.ended and run.standing is not Standing.PAUSED:
            raise UsageError(f"it is {run.standing}", next_step="p pauses it first, or c aborts it")
        begun = len(board.progress.begun) if board is not None else 0
        self._ask(f"Roll back {begun} nodes, the last first. Type rollback:", "rollback", again.roll_back,
                  "it is rolled back")  # fmt: skip

    def action_retry(self) -> None:
        """Have what failed done again, once that is typed."""
        run, board = self._screen.run_now, self._screen.board
        if not run.standing.ended:
            raise UsageError(f"it is {run.standing}", next_step="retry when it has ended")
        bad = len(board.progress.bad()) if board is not None else 0
        if not bad:
            raise UsageError("no node has failed", next_step="u does the rest")
        self._ask(f"Do again what failed on {bad} nodes. Type retry:", "retry", again.retry, "it is retried")

    def action_resume(self) -> None:
        """Have a run that has not ended well do what is left of it, once that is typed."""
        run = self._screen.run_now
        if run.standing is Standing.PAUSED:
            self.action_pause()
            return
        if not run.standing.ended or run.standing is Standing.OK:
            raise UsageError(f"it is {run.standing}", next_step="only what has not ended well is taken up again")
        self._ask("Do what failed and what was not begun. Type resume:", "resume", again.resume, "it goes on")

    def _ask(self, question: str, word: str, do: Do, said: str) -> None:
        async def then(answer: str) -> None:
            if answer != word:
                raise UsageError(f"that is not {word}: nothing was done")
            await self._do(do, word, said)

        self._question(question, then)

    async def _do(self, do: Do, what: str, said: str) -> None:
        """Do it in a thread, on record; what is to go on needs a worker."""
        journal, run, gate = self._screen.watching.journal, self._screen.run_now, self._screen.console.gate
        by = gate.rulebook.subject.who.name

        def doing() -> None:
            steered.record(gate.trail, run, what)
            do(journal, run, by)
            if journal.unfinished():
                start(journal)

        await asyncio.to_thread(doing)
        self._screen.say(said)
        await self._screen.look()

    # -- answers ----------------------------------------------------------------------

    def _asked(self) -> list[Input]:
        """What the run asks people for, and nobody has told yet."""
        board = self._screen.board
        told = board.progress.answers() if board is not None else {}
        return [one for name, one in inputs(board.plan).items() if name not in told] if board is not None else []

    def action_answer(self) -> None:
        """Tell the run what it asks for."""
        asked = self._asked()
        if not asked or self._screen.run_now.standing.ended:
            raise Refused("it asks for nothing")
        one = asked[0]
        allowed = f" ({', '.join(one.one_of)})" if one.one_of else ""
        self._question(f"{one.text or one.name}{allowed}: {one.name} =", lambda text: self._tell(one.name, text))

    async def _tell(self, name: str, text: str) -> None:
        gate, watching = self._screen.console.gate, self._screen.watching
        given = {name: text}
        await asyncio.to_thread(
            answer, watching.journal, self._screen.run_now.id, given, gate.trail, gate.rulebook.subject
        )
        self._screen.say(f"it was told {name}")

    # -- votes ------------------------------------------------------------------------

    async def action_approve(self) -> None:
        """Agree to what the run waits for, once enter is pressed."""
        request = await self._request()
        self._question(f"Approve {request.asked.summary}? Reason (may be empty):",
                       lambda reason: self._vote(request, approve=True, reason=reason))  # fmt: skip

    async def action_reject(self) -> None:
        """Say no to what the run waits for, and why."""
        request = await self._request()
        self._question(f"Reject {request.asked.summary}, because:",
                       lambda reason: self._vote(request, approve=False, reason=reason))  # fmt: skip

    async def _request(self) -> Request:
        """The request that the run waits for. Raises Refused when there is none that this person may vote on."""
        run, approvals = self._screen.run_now, self._screen.console.gate.approvals
        if not run_words.needs_someone(run):
            raise Refused(f"it waits for no approval: it is {run.standing}")
        words = set(run.detail.split())
        found = [one for one in await asyncio.to_thread(approvals.newest) if one.id in words]
        if not found:
            raise Refused("what it waits for is not in the ledger of this estate",
                          next_step="open the console on the estate of the run")  # fmt: skip
        standing, why_not = found[0].standing(time.time()), found[0].may_vote(approvals.subject)
        if standing not in LIVE or why_not:
            raise Refused(why_not or f"approval {found[0].id} is {standing}")
        return found[0]

    async def _vote(self, request: Request, *, approve: bool, reason: str) -> None:
        if not (approve or reason):
            raise Refused("a rejection says why, for whoever asked")
        gate = self._screen.console.gate
        done = await asyncio.to_thread(gate.approvals.vote, request.id, approve=approve, reason=reason)
        self._screen.say(f"approval {done.id} is {done.standing(time.time())}")
        await gate.tell(done)

    # -- questions --------------------------------------------------------------------

    def _question(self, question: str, then: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        self._then = then
        self._screen.query_one(Why).ask(sanitise.word(question))

    def answered(self, text: str) -> None:
        """Go on with the answer to the question that was asked."""
        if self._then is not None:
            self._begin(self._then(text))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._screen.run_worker(self._told(work), group="verb", exclusive=True)

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except CalmError as error:
            self._screen.say(str(error), trouble=True)
