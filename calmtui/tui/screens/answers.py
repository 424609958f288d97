"""The answers of many nodes to a command: gathered as they come, each in full, and how they differ."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual import work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from calmtui import sanitise
from calmtui.actions.commands import Fanout
from calmtui.actions.gathered import Gathering, Group, diff
from calmtui.actions.outcome import Outcome, Status, names
from calmtui.actions.save import save
from calmtui.errors import CalmError
from calmtui.estate import find
from calmtui.fleet import hostset
from calmtui.fleet.node import NodeId, State
from calmtui.governance.identity import me
from calmtui.store.commands import Ran, add
from calmtui.store.database import StoreError
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.screens.outcomes import MEANINGS, OutcomesScreen
from calmtui.tui.screens.refused import admitted
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

REPAINT = 0.2
"""Seconds between two looks at what has come."""
FOLDED = 2000
"""A group of more nodes is named by its first and their number: to fold them takes longer than a repaint may."""
_WAITING = {
    Status.RUNNING: "running", Status.QUEUED: "waiting", Status.SKIPPED: "skipped", Status.DENIED: "denied"
}  # fmt: skip


class AnswersScreen(Screen[None]):
    """A command being watched. Leaving the screen does not end it."""

    where = "answers"
    BINDINGS = keys.bindings("answers")
    DEFAULT_CSS = """
    AnswersScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > #glass { height: 1; background: $error; color: $text; text-style: bold; padding: 0 1; }
        & > #list { height: auto; max-height: 40%; }
        & > #title { height: 1; background: $panel; color: $text-muted; }
        & > #output { height: 1fr; }
        & > Rows:focus { background: $surface; }
    }
    """

    def __init__(self, fanout: Fanout) -> None:
        super().__init__()
        self.fanout = fanout
        self.gathering = Gathering()
        self.by_node = False
        self.differences = True
        self._line = sanitise.word(" ".join(fanout.command.words))
        self._called = names(outcome.node for outcome in fanout.execution.outcomes.values())
        self._ids = list(self._called)
        self._standing: dict[Status, dict[NodeId, None]] = {status: {} for status in Status}
        """The nodes by where they stand."""
        self._groups: list[Group] = []
        self._waiting: list[Status] = []
        """Those of the statuses without an answer in which there were nodes when the list was last drawn up."""
        self._lines: list[str] = []
        self._drawn: object = None
        """What the lines were made of."""
        self._changed = True
        signs = of_locale()
        self._glyphs = {
            Status.OK: signs.states[State.RUNNING], Status.FAILED: signs.states[State.FAILED],
            Status.RUNNING: signs.folded, Status.QUEUED: signs.dot,
            Status.SKIPPED: signs.states[State.STOPPED], Status.DENIED: signs.states[State.FAILED],
            Status.UNKNOWN: signs.states[State.UNKNOWN],
        }  # fmt: skip
        for outcome in fanout.execution.outcomes.values():
            self._note(outcome)

    def compose(self) -> ComposeResult:
        yield Static(id="head", markup=False)
        yield Static(id="glass", markup=False)
        yield Rows(self._row, id="list")
        yield Static(id="title", markup=False)
        yield Rows(self._output_row, id="output")
        yield Footer()

    def on_mount(self) -> None:
        self._quiet = self.fanout.execution.subscribe(self._note)
        if self.fanout.execution.began is None:
            self._begin()
        self.set_interval(REPAINT, self._look)
        self._list.focus()
        self._look()

    def on_unmount(self) -> None:
        self._quiet()

    def _begin(self) -> None:
        app = cast("CalmApp", self.app)
        app.fanout, app.execution = self.fanout, self.fanout.execution
        app.run_worker(_carry_out(app, self.fanout), name=self._line)

    # -- what changes ---------------------------------------------------------

    def _note(self, outcome: Outcome) -> None:
        node_id = outcome.node.id
        for nodes in self._standing.values():
            nodes.pop(node_id, None)
        self._standing[outcome.status][node_id] = None
        answer = self.fanout.answers.get(node_id)
        if outcome.status.final and answer is not None and answer.ending:
            self.gathering.add(node_id, answer)
        else:
            self.gathering.drop(node_id)
        self._changed = True

    def _look(self) -> None:
        if self._changed:
            self._changed = False
            self._groups = self.gathering.groups()
            self._waiting = [status for status in _WAITING if self._standing[status]]
            self._list.show(len(self._ids) if self.by_node else len(self._groups) + len(self._waiting))
        if self.fanout.execution.ended is None:
            self._list.refresh()
        self.query_one("#head", Static).update(self._head())
        broken = self.fanout.execution.broken
        glass = self.query_one("#glass", Static)
        glass.display = bool(broken)
        glass.update(f"BREAK-GLASS · {sanitise.word(broken)}")
        self._show_output()

    def on_rows_moved(self) -> None:
        self._show_output()

    # -- commands -------------------------------------------------------------

    def action_pane(self) -> None:
        """Into the output, and back."""
        (self._list if self._output.has_focus else self._output).focus()

    def action_nodes(self) -> None:
        """A row for each node, or one for each answer."""
        self.by_node = not self.by_node
        self._list.cursor = 0
        self._changed = True
        self._look()

    def action_diff(self) -> None:
        """How a group differs from the majority, or all that it says."""
        self.differences = not self.differences
        self._show_output()

    def action_mark(self) -> None:
        """Mark the nodes of this row, and no others."""
        if chosen := self._chosen():
            self.post_message(OutcomesScreen.Mark(chosen))
            self._say(f"{len(chosen)} marked in the fleet")

    def action_retry(self) -> None:
        """Again where it failed or was ended."""
        self._again("nothing failed", Status.FAILED, Status.UNKNOWN)

    def action_rest(self) -> None:
        """On those where it was not begun."""
        self._again("it was begun everywhere", Status.SKIPPED)

    def action_break_glass(self) -> None:
        """In an emergency on those where it was denied."""
        self._again("it was denied nowhere", Status.DENIED)

    def action_cancel(self) -> None:
        """End it where it runs, begin it nowhere else."""
        if self.fanout.execution.ended is None:
            self.fanout.stop()
            self._say("ending it where it runs")
        else:
            self._say("it has ended")

    async def action_save(self, path: str) -> None:
        """Write every answer to a folder."""
        folder = Path(path or time.strftime("calmtui-%Y%m%dT%H%M%S"))
        self._say(f"saved to {await asyncio.to_thread(save, self.fanout, self._called, folder)}")

    def action_copy(self) -> None:
        self.app.copy_to_clipboard("\n".join(self._lines))
        self._say(f"{len(self._lines)} lines copied")

    def action_back(self) -> None:
        self.app.pop_screen()

    def _again(self, nothing: str, *statuses: Status) -> None:
        if self.fanout.execution.ended is None:
            self._say("it still runs: when it has ended, or c ends it")
        elif not self.fanout.execution.requeue(*statuses):
            self._say(nothing)
        else:
            self._admit()

    @work(group="gate", exclusive=True)
    async def _admit(self) -> None:
        """What is run again is asked for again."""

        async def admit(emergency: str) -> bool:
            await self.fanout.admit(break_glass=bool(emergency), reason=emergency)
            return True

        try:
            going_on = await admitted(cast("CalmApp", self.app), self.fanout.gate, self.fanout.deed(), admit)
        except CalmError as error:
            going_on = None
            self._say(str(error))
        if going_on:
            self._begin()
        else:
            self.fanout.execution.leave()

    def _say(self, text: str) -> None:
        self.query_one(Footer).say(text)

    @property
    def _list(self) -> Rows:
        return self.query_one("#list", Rows)

    @property
    def _output(self) -> Rows:
        return self.query_one("#output", Rows)

    # -- the list ---------------------------------------------------------------

    def _chosen(self) -> list[NodeId]:
        """The nodes of the row under the cursor."""
        index = self._list.cursor
        if self.by_node:
            return self._ids[index : index + 1]
        if index < len(self._groups):
            return list(self._groups[index].nodes)
        waiting = self._waiting[index - len(self._groups) : index - len(self._groups) + 1]
        return [node_id for status in waiting for node_id in self._standing[status]]

    def _row(self, index: int) -> list[Span]:
        return self._node_row(self._ids[index]) if self.by_node else self._group_row(index)

    def _group_row(self, index: int) -> list[Span]:
        if index < len(self._groups):
            group = self._groups[index]
            status = Status.OK if group.exit_status == 0 else Status.FAILED
            nodes, ending = group.nodes, group.ending
            last = group.said.last_line(failed=status is Status.FAILED)
        else:
            status = self._waiting[index - len(self._groups)]
            nodes, ending = self._standing[status], _WAITING[status]
            last = next((self.fanout.execution.outcomes[node_id].detail for node_id in nodes), "")
        meaning = MEANINGS[status]
        return [(f"{self._glyphs[status]} {len(nodes):5} ", meaning), (f"{ending:15} ", meaning),
                (f"{self._folded(nodes)}  ", "strong"), (last, "quiet")]  # fmt: skip

    def _folded(self, nodes: dict[NodeId, None]) -> str:
        if len(nodes) > FOLDED:
            return f"{self._called[next(iter(nodes))]} and {len(nodes) - 1:,} more"
        return sanitise.word(hostset.fold(self._called[node_id] for node_id in nodes))

    def _node_row(self, node_id: NodeId) -> list[Span]:
        outcome = self.fanout.execution.outcomes[node_id]
        answer = self.fanout.answers.get(node_id)
        meaning = MEANINGS[outcome.status]
        ending = (answer.ending if answer is not None else "") or outcome.status.value
        took = f"{outcome.took:6.1f} s " if outcome.took is not None else " " * 9
        last = outcome.detail or (answer.said.last_line(failed=False) if answer is not None else "")
        return [(f"{self._glyphs[outcome.status]} ", meaning), (f"{self._called[node_id]}  ", "strong"),
                (f"{ending:15} ", meaning), (took, "quiet"), (last, "")]  # fmt: skip

    # -- the output -------------------------------------------------------------

    def _show_output(self) -> None:
        """The lines of the row under the cursor, made again only when they are others."""
        chosen = self._chosen()
        answer = self.fanout.answers.get(chosen[0]) if chosen else None
        size = answer.said.size if answer is not None else 0
        state = (tuple(chosen[:1]), size, self.by_node, self.differences, len(self._groups), answer and answer.ending)
        if state == self._drawn:
            return
        self._drawn = state
        other = self._differing()
        if other is not None:
            self._compare(other)
            return
        self._draw(answer.said.lines() if answer is not None else [], "")

    def _differing(self) -> Group | None:
        """The group under the cursor, when it is to be shown as it differs from the majority."""
        index = self._list.cursor
        if self.by_node or not self.differences or not 0 < index < len(self._groups):
            return None
        return self._groups[index] if self._groups[index].exit_status is not None else None

    @work(exclusive=True, group="diff")
    async def _compare(self, other: Group) -> None:
        majority = self._groups[0]
        lines = await asyncio.to_thread(diff, majority, other)
        self._draw(lines, f" · as it differs from {len(majority.nodes)} nodes, d shows all")

    def _draw(self, lines: list[str], note: str) -> None:
        self._lines = lines
        chosen = self._chosen()
        who = ""
        if chosen:
            outcome = self.fanout.execution.outcomes[chosen[0]]
            others = f" and {len(chosen) - 1} more" if len(chosen) > 1 else ""
            who = f"{self._called[chosen[0]]}{others} · {outcome.detail or outcome.status}"
        self.query_one("#title", Static).update(
            f" {len(lines)} line{'s' if len(lines) != 1 else ''} of {who}{note}" if who else ""
        )
        self._output.show(len(lines))

    def _output_row(self, index: int) -> list[Span]:
        line = self._lines[index]
        differs = self._differing() is not None
        return [(line.expandtabs(8), {"+": "fine", "-": "error", "@": "quiet"}.get(line[:1], "") if differs else "")]

    def _head(self) -> str:
        execution = self.fanout.execution
        seconds = int((execution.ended or time.time()) - execution.began) if execution.began else 0
        state = "ended" if execution.ended else "running"
        counts = "  ".join(f"{len(nodes)} {status}" for status, nodes in self._standing.items() if nodes)
        return f" {counts} · {state} {seconds // 60}:{seconds % 60:02} · ! {self._line}"


async def _carry_out(app: CalmApp, fanout: Fanout) -> None:
    """Run it for as long as the app lives, put it into the history, say how it ended to who has left its screen."""
    await fanout.run()
    counts = fanout.counts()
    if not (isinstance(app.screen, AnswersScreen) and app.screen.fanout is fanout):
        told = "  ".join(f"{count} {status}" for status, count in counts.items())
        app.say(f"the command has ended: {told}", trouble=set(counts) != {Status.OK.value})
    nodes = [outcome.node for outcome in fanout.execution.outcomes.values()]
    ran = Ran(
        fanout.execution.began or 0.0, me().name, " ".join(fanout.command.words),
        hostset.fold(names(nodes).values()), len(nodes), counts,
    )  # fmt: skip
    try:
        await asyncio.to_thread(add, find.key(app.live.estate), ran)
    except StoreError as error:
        app.say(f"the command is not in the history: {error}", trouble=True)
