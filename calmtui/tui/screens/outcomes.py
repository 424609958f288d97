"""The outcomes of what is being done: one row for each node, as it happens."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual import work
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from calmtui import sanitise
from calmtui.actions.execute import Execution, act
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status, names, tally
from calmtui.actions.plan import Plan, make
from calmtui.errors import CalmError, Refused
from calmtui.fleet.node import Node, NodeId, State
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

REPAINT = 0.1
"""Seconds between two looks at what has changed while it runs."""

MEANINGS = {
    Status.QUEUED: "quiet", Status.RUNNING: "", Status.OK: "fine", Status.UNCHANGED: "quiet", Status.FAILED: "error",
    Status.SKIPPED: "warn", Status.DENIED: "error", Status.UNKNOWN: "warn",
}  # fmt: skip


class OutcomesScreen(Screen[None]):
    """An execution being watched. Leaving the screen does not end it."""

    where = "outcomes"
    BINDINGS = keys.bindings("outcomes")
    DEFAULT_CSS = """
    OutcomesScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > #glass { height: 1; background: $error; color: $text; text-style: bold; padding: 0 1; }
        & > #detail { height: auto; max-height: 5; color: $text-muted; padding: 0 1; border-top: solid $panel; }
    }
    """

    class Mark(Message):
        """Posted when nodes are to be marked in the fleet in place of those that are."""

        def __init__(self, nodes: list[NodeId]) -> None:
            super().__init__()
            self.nodes = nodes
            """Their ids."""

    def __init__(self, gate: Gate, plan: Plan, execution: Execution) -> None:
        super().__init__()
        self.gate = gate
        self.plan = plan
        self.execution = execution
        self.only_trouble = False
        self._shown: list[NodeId] = []
        self._called = names(outcome.node for outcome in execution.outcomes.values())
        self._width = max(map(len, self._called.values()), default=0)
        self._changed = True
        signs = of_locale()
        self._glyphs = {
            Status.QUEUED: signs.dot, Status.RUNNING: signs.folded, Status.OK: signs.states[State.RUNNING],
            Status.UNCHANGED: signs.states[State.RUNNING], Status.FAILED: signs.states[State.FAILED],
            Status.SKIPPED: signs.states[State.STOPPED], Status.DENIED: signs.states[State.FAILED],
            Status.UNKNOWN: signs.states[State.UNKNOWN],
        }  # fmt: skip

    def compose(self) -> ComposeResult:
        yield Static(id="head", markup=False)
        if self.execution.broken:
            yield Static(f"BREAK-GLASS · {sanitise.word(self.execution.broken)}", id="glass", markup=False)
        yield Rows(self._row)
        yield Static(id="detail", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self._quiet = self.execution.subscribe(self._note)
        if self.execution.began is None:
            app = cast("CalmApp", self.app)
            app.execution, app.plan = self.execution, self.plan
            app.run_worker(_carry_out(app, self.execution), name=self.execution.title)
        self._timer = self.set_interval(REPAINT, self._look)
        self.query_one(Rows).focus()
        self._look()

    def on_unmount(self) -> None:
        self._quiet()

    def on_rows_moved(self) -> None:
        self._explain()

    # -- what changes -----------------------------------------------------------

    def _note(self, outcome: Outcome) -> None:
        self._changed = True

    def _look(self) -> None:
        """Draw what has changed; while it runs, the clock too."""
        ended = self.execution.ended is not None
        if self._changed:
            self._changed = False
            outcomes = self.execution.outcomes
            self._shown = [node_id for node_id, outcome in outcomes.items()
                           if not self.only_trouble or outcome.status is not Status.OK]  # fmt: skip
            self.query_one(Rows).show(len(self._shown))
            self._explain()
        self.query_one("#head", Static).update(self._head())
        if ended and not self._changed:
            self._timer.pause()
            self._point_at_trouble()

    def _point_at_trouble(self) -> None:
        """Put the cursor where something went wrong, unless somebody has moved it."""
        rows = self.query_one(Rows)
        statuses = [self.execution.outcomes[node_id].status for node_id in self._shown]
        trouble = next((index for index, status in enumerate(statuses) if status is not Status.OK), None)
        if trouble is not None and rows.cursor == 0:
            rows.move(trouble)

    # -- commands ---------------------------------------------------------------

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_retry(self) -> None:
        """The same again for the nodes that failed, once it has ended."""
        failed = self.execution.having(Status.FAILED)
        if self.execution.ended is None:
            self._say("it still runs: retry when it has ended")
        elif not failed:
            self._say("nothing failed")
        else:
            self._again(self.plan.only(failed))

    def action_undo(self) -> None:
        """Take back what was done: a plan of its own, that freezes let through."""
        done = self.execution.having(Status.OK)
        if self.execution.ended is None:
            self._say("it still runs: take it back when it has ended")
        elif self.plan.undo is None or not done:
            self._say(f"{self.plan.name} cannot be taken back" if done else "nothing was done")
        else:
            self._plan_undo(self.plan.undo, done)

    def _plan_undo(self, undo: str, done: list[Node]) -> None:
        from calmtui.tui.screens.plan import PlanScreen  # not needed before

        fleet = self.gate.live.fleet
        nodes = [now for node in done if (now := fleet.get(node.id)) is not None]
        made = make(undo, nodes, self.gate.live.actions(), is_stale=fleet.is_stale)
        if made.targets:
            self.app.push_screen(PlanScreen(self.gate, replace(made, undoing=True)))
        else:
            self._say(made.left_out[0].reason)

    @work(exclusive=True, group="gate")
    async def _again(self, plan: Plan) -> None:
        from calmtui.tui.screens.plan import PlanScreen  # not needed before

        try:
            execution = await act(self.gate, plan, self.execution.limits)
        except Refused:  # the plan says why, and what there is instead
            self.app.push_screen(PlanScreen(self.gate, plan))
        except CalmError as error:
            self._say(str(error))
        else:
            self.app.switch_screen(OutcomesScreen(self.gate, plan, execution))

    def action_mark(self) -> None:
        """Mark the nodes that failed, or of which it is not known, in the fleet."""
        nodes = [node.id for node in self.execution.having(Status.FAILED, Status.UNKNOWN)]
        if nodes:
            self.post_message(self.Mark(nodes))
            self._say(f"{len(nodes)} marked in the fleet")
        else:
            self._say("nothing failed")

    def action_cancel(self) -> None:
        """Begin no further node."""
        count = self.execution.cancel()
        self._say(f"{count} will not be begun" if count else "every node has begun already")

    def action_trouble(self) -> None:
        """Show only what is not well, or everything again."""
        self.only_trouble = not self.only_trouble
        self._changed = True
        self._look()

    def action_copy(self) -> None:
        """The table as text, to the clipboard."""
        outcomes = self.execution.outcomes.values()
        lines = [f"{outcome.status}\t{outcome.node.id}\t{outcome.detail}" for outcome in outcomes]
        self.app.copy_to_clipboard("\n".join(lines))
        self._say(f"{len(lines)} lines copied")

    def _say(self, text: str) -> None:
        self.query_one(Footer).say(text)

    # -- what it shows ------------------------------------------------------------

    def _head(self) -> str:
        counts = _counts(self.execution)
        began, ended = self.execution.began, self.execution.ended
        seconds = int((ended or time.time()) - began) if began else 0
        state = "ended" if ended else "running"
        return f" {self.execution.title} · {counts} · {state} {seconds // 60}:{seconds % 60:02}"

    def _explain(self) -> None:
        """All of what the row under the cursor says."""
        text = "nothing is amiss"
        if self._shown:
            outcome = self.execution.outcomes[self._shown[self.query_one(Rows).cursor]]
            took = f" after {outcome.took:.1f} s" if outcome.took is not None else ""
            text = f"{outcome.node.id}: {outcome.status}{took}\n{outcome.detail}"
        self.query_one("#detail", Static).update(text)

    def _row(self, index: int) -> list[Span]:
        outcome = self.execution.outcomes[self._shown[index]]
        glyph, meaning = self._glyphs[outcome.status], MEANINGS[outcome.status]
        took = f"{outcome.took:5.1f} s  " if outcome.took is not None else " " * 9
        return [(f"{glyph} ", meaning), (self._called[outcome.node.id].ljust(self._width + 2), "strong"),
                (outcome.status.value.ljust(9), meaning), (took, "quiet"), (outcome.detail, "")]  # fmt: skip


async def _carry_out(app: CalmApp, execution: Execution) -> None:
    """Run it for as long as the app lives, and say how it ended to who has left its screen."""
    await execution.run()
    if not (isinstance(app.screen, OutcomesScreen) and app.screen.execution is execution):
        failed = bool(execution.having(Status.FAILED, Status.UNKNOWN))
        app.say(f"{execution.title} has ended: {_counts(execution)}", trouble=failed)


def _counts(execution: Execution) -> str:
    """How many nodes stand where: `3 ok  1 failed`."""
    return "  ".join(f"{count} {status}" for status, count in tally(list(execution.outcomes.values())).items())
