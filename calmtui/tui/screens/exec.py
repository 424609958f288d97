"""`!`: a command is typed, with what was run before at hand, above what it will run on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from calmtui import masks, sanitise
from calmtui.actions.commands import AS_ROOT, EXEC_PARALLEL, Fanout, Limits, asked_once, command_deed, places, runs_at
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import names
from calmtui.actions.plan import Plan, of_command
from calmtui.errors import CalmError, UsageError
from calmtui.estate import find
from calmtui.fleet import hostset
from calmtui.fleet.node import Node, State
from calmtui.providers.base import Command
from calmtui.store import commands as history
from calmtui.store.database import StoreError
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.screens.refused import admitted
from calmtui.tui.verdict import verdict
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.limit_fields import LimitFields
from calmtui.tui.widgets.rows import Rows, Span

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

REACH = 15.0
"""Seconds to reach a node, at the least, where there is a limit: a host that hangs does not hold the others' end up."""


def begin(app: CalmApp, nodes: Sequence[Node], *, hidden: int = 0, line: str = "", as_root: bool = False) -> None:
    """Ask for a command, which may stand there already, and show what it is answered. Raises UsageError."""

    def watch(fanout: Fanout | None) -> None:
        from calmtui.tui.screens.answers import AnswersScreen  # not needed before

        if fanout is not None:
            app.push_screen(AnswersScreen(fanout))

    app.push_screen(ExecScreen(app.gate, nodes, hidden, line=line, as_root=as_root), callback=watch)


class ExecScreen(ModalScreen[Fanout | None]):
    """Asks for a command; dismissed with it, ready to run, or with None.

    Where the plan gives reasons to look twice, a word is typed as for any other plan.
    """

    where = "exec"
    BINDINGS = keys.bindings("exec")
    DEFAULT_CSS = """
    ExecScreen {
        align: center middle;
        & Rows { height: 8; margin-top: 1; }
        & Static { height: auto; }
        & #about { color: $text-muted; }
        & #reasons { color: $text-warning; }
        & #verdict { color: $text-muted; }
        & #verdict.-refused { color: $text-error; }
        & #wrong { color: $text-error; }
        & Horizontal { height: 1; }
        & Horizontal > Static { width: auto; margin-right: 1; }
        & Horizontal > Input { width: 1fr; }
    }
    """

    def __init__(
        self, gate: Gate, nodes: Sequence[Node], hidden: int, *, line: str = "", as_root: bool = False
    ) -> None:
        """Raises UsageError when none of the nodes takes commands."""
        super().__init__()
        self.gate = gate
        self.live = gate.live
        self.nodes, self._notes = places(gate.live, nodes)
        if not self.nodes:
            raise UsageError(f"none of the {len(nodes)} nodes takes commands: mark hosts, containers or pods")
        self._passed_over = len(nodes) - len(self.nodes)
        self._hidden = hidden
        self._line = line
        self._sudo = as_root
        self._taken = False
        """Whether the line stands as it was taken from the history."""
        self._past: list[str] = []
        """Commands that were run, newest first, each once."""
        self._found: list[str] = []
        """Those in which stands what is typed."""
        self._where = sanitise.word(hostset.fold(names(self.nodes).values()))

    def compose(self) -> ComposeResult:
        plan = self._plan()
        count = "1 node" if len(self.nodes) == 1 else f"{len(self.nodes)} nodes"
        environments = sorted({node.env for node in self.nodes if node.env})
        with Box(" · ".join(["run a command", count, *environments])):
            with Horizontal():
                yield Static("!", markup=False)
                yield Input(self._line, id="line", compact=True, suggester=_Past(self._past))
            yield Rows(self._row, id="past")
            yield Static(id="about", markup=False)
            yield LimitFields({"parallel": str(EXEC_PARALLEL)})
            with Horizontal():
                yield Static("seconds for each node", markup=False)
                yield Input("", placeholder="no limit", id="seconds", compact=True)
            if plan.reasons:
                sign = of_locale().states[State.DEGRADED]
                yield Static(f"{sign} " + " · ".join(plan.reasons), id="reasons", markup=False)
            yield Static("policy: being asked", id="verdict", markup=False)
            if plan.typed:
                with Horizontal():
                    yield Static(f"Type {plan.typed} to go on, esc does nothing:", markup=False)
                    yield Input(id="typed", compact=True)
            yield Static(id="wrong", markup=False)

    async def on_mount(self) -> None:
        self.query_one("#line", Input).focus()
        self._tell()
        self._judge()
        try:
            ran = await asyncio.to_thread(history.load, find.key(self.live.estate))
        except StoreError as error:
            self._wrong(str(error))
            return
        self._past.extend(dict.fromkeys(item.command for item in ran))
        self._search()

    # -- what is typed --------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "line":
            self._search()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter runs it, from the field for the word where one is wanted."""
        if self._plan().typed and event.input.id != "typed":
            self.query_one("#typed", Input).focus()
        else:
            self._run()

    def action_past(self) -> None:
        """Take the command of the history under the cursor; again: the one before it."""
        self._take(0 if not self._taken else 1)

    def action_later(self) -> None:
        """The next one towards now."""
        self._take(-1)

    def action_complete(self) -> None:
        """Take what is suggested; else go to the next field."""
        line = self.query_one("#line", Input)
        suggestion = next((text for text in self._past if text.startswith(line.value) and text != line.value), "")
        if line.has_focus and line.value and suggestion:
            line.value, line.cursor_position = suggestion, len(suggestion)
        else:
            self.focus_next("Input")

    def action_sudo(self) -> None:
        """As root, or as who we are there."""
        self._sudo = not self._sudo
        self._tell()

    def action_back(self) -> None:
        self.dismiss(None)

    def _take(self, by: int) -> None:
        rows = self.query_one("#past", Rows)
        if not self._found:
            return
        rows.move(rows.cursor + by)
        line = self.query_one("#line", Input)
        with line.prevent(Input.Changed):
            line.value = self._found[rows.cursor]
        line.cursor_position = len(line.value)
        line.focus()
        self._taken = True

    def _search(self) -> None:
        self._taken = False
        typed = self.query_one("#line", Input).value.lower()
        self._found = [text for text in self._past if typed in text.lower()]
        rows = self.query_one("#past", Rows)
        rows.cursor = 0
        rows.show(len(self._found))
        rows.display = bool(self._found)

    # -- running it -----------------------------------------------------------

    def _run(self) -> None:
        line = self.query_one("#line", Input).value.strip()
        plan = self._plan()
        try:
            if not line:
                raise UsageError("which command?")
            if masks.MASK in line:
                raise UsageError("a secret was masked in the history: write it in its place")
            if plan.typed and self.query_one("#typed", Input).value.strip() != plan.typed:
                raise UsageError(f"that is not {plan.typed}: nothing was done")
            ask = asked_once(self.app.ask) if self._sudo else None  # type: ignore[attr-defined]
            command = Command((line,), sudo=ask)
            self._admit(Fanout(self.gate, self.nodes, command, self._limits()))
        except CalmError as error:
            self._wrong(str(error))

    @work(group="gate", exclusive=True)
    async def _admit(self, fanout: Fanout) -> None:
        async def admit(emergency: str) -> Fanout:
            await fanout.admit(hidden=self._hidden, break_glass=bool(emergency), reason=emergency)
            return fanout

        try:
            if await admitted(cast("CalmApp", self.app), self.gate, fanout.deed(hidden=self._hidden), admit):
                self.dismiss(fanout)
        except CalmError as error:
            self._wrong(str(error))

    @work(group="judge", exclusive=True)
    async def _judge(self) -> None:
        """Say what policy says of any command on these nodes before one is typed, or of the one that was given."""
        every = {node.id: node for one in self.nodes for node in (one, runs_at(self.live, one) or one)}
        more = AS_ROOT if self._sudo else ""
        deed = command_deed(list(every.values()), (self._line,), more, hidden=self._hidden)
        shown = self.query_one("#verdict", Static)
        try:
            judgement = await self.gate.judge(deed)
        except CalmError as error:  # nothing is let through then
            text, refused = str(error), True
        else:
            text, refused = verdict(judgement)
        shown.set_class(refused, "-refused")
        shown.update(text)

    def _limits(self) -> Limits:
        seconds = self.query_one("#seconds", Input).value.strip()
        try:
            limit = float(seconds) if seconds else None
        except ValueError:
            raise UsageError(f"{seconds!r} seconds: write a number, or nothing for no limit") from None
        spread = self.query_one(LimitFields).limits
        reach = None if limit is None else max(limit, REACH)
        return Limits(
            spread.parallel, spread.batches, spread.max_failed, min_healthy=spread.min_healthy,
            connect_seconds=reach, seconds=limit,
        )  # fmt: skip

    def _plan(self) -> Plan:
        return of_command("", self.nodes, hidden=self._hidden, is_stale=self.live.fleet.is_stale)

    # -- what it shows --------------------------------------------------------

    def _tell(self) -> None:
        passed = f" · {self._passed_over} passed over" if self._passed_over else ""
        through = f" · {self._notes[0]}" if len(self._notes) == 1 else f" · {len(self._notes)} through their hosts"
        who = "as root, by sudo" if self._sudo else "as who we are there; ctrl+s: as root"
        hidden = f" · {self._hidden} hidden by the filter" if self._hidden else ""
        about = f"on {self._where}{passed}{hidden}{through if self._notes else ''}\n{who} · no undo"
        self.query_one("#about", Static).update(about)

    def _wrong(self, text: str) -> None:
        self.query_one("#wrong", Static).update(text)

    def _row(self, index: int) -> list[Span]:
        return [(sanitise.word(self._found[index]), "quiet")]


class _Past(Suggester):
    """Suggests the latest command that begins so."""

    def __init__(self, past: list[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._lines = past

    async def get_suggestion(self, value: str) -> str | None:
        return next((text for text in self._lines if text.startswith(value)), None) if value else None
