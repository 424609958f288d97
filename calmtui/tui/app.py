"""CalmApp: opens the screens, carries out commands, keeps the estate connected while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from textual import events
from textual.app import App, SystemCommand
from textual.screen import Screen

from calmtui.errors import CalmError, UsageError
from calmtui.estate import find
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.moment import moment
from calmtui.fleet.node import NodeId
from calmtui.fleet.view import View
from calmtui.logs.pace import Pace
from calmtui.tui import keys, moving, themes
from calmtui.tui.opening import Opening
from calmtui.tui.run_notice import RunNotice
from calmtui.tui.screens.fleet import FleetScreen
from calmtui.tui.type_ahead import TypeAhead
from calmtui.tui.widgets.footer import Footer

if TYPE_CHECKING:
    from textual.driver import Driver

    from calmtui.actions.commands import Fanout
    from calmtui.actions.execute import Execution
    from calmtui.actions.gate import Gate
    from calmtui.actions.plan import Plan
    from calmtui.runbooks.journal import Journal
    from calmtui.tui.screens.log_patterns import LogPatternsScreen
    from calmtui.tui.screens.log_search import LogSearchScreen
    from calmtui.tui.screens.outcomes import OutcomesScreen
    from calmtui.tui.screens.run import RunScreen

Answer = TypeVar("Answer")

PARTING = 3.0
"""Seconds that connections get to end before the console goes without waiting for them."""


class CalmApp(App[None]):
    """The console on one live estate.

    `rebound` is a table of command ids and the keys that they get instead of their own. `declare`
    gives the estate once the screen is painted; without it, the one of `live` stands. `beside` runs
    around the connection, from before it is made until after it has ended; `connected` is awaited
    once it is made. `first` is the screen at the bottom in place of the fleet.
    """

    TITLE = "calmtui"
    ENABLE_COMMAND_PALETTE = False  # the palette opens as a command of ours, under a key that can be rebound
    BINDINGS = keys.bindings("app")

    def __init__(
        self,
        live: LiveEstate,
        *,
        read_only: bool = False,
        rebound: Mapping[str, str] | None = None,
        theme: str = themes.DEFAULT,
        marked: Iterable[NodeId] = (),
        view: View | None = None,
        declare: Callable[[CalmApp], Awaitable[Estate]] | None = None,
        beside: Callable[[CalmApp], contextlib.AbstractAsyncContextManager[None]] | None = None,
        connected: Callable[[CalmApp], Awaitable[None]] | None = None,
        first: Screen[None] | None = None,
    ) -> None:
        super().__init__()
        self.live = live
        self.read_only = read_only
        self.rebound = dict(rebound or {})
        self.animation_level = "none"
        self.fleet_screen = FleetScreen(live, marked, view, read_only=read_only)
        self._declare = declare
        self._beside = beside
        self._connected = connected
        self._first = first
        self._asking = asyncio.Lock()
        self.pace = Pace()
        """What work on the event loop keeps to, so that keys are answered."""
        self.opening = Opening(self)
        self.parts = (self.opening,)
        """What carries out commands beside the app itself."""
        self._type_ahead = TypeAhead(self, self.pace.answered)
        self._connection: asyncio.Task[None] | None = None
        self.execution: Execution | None = None
        """What was carried out last, or still is."""
        self.plan: Plan | None = None
        """The plan of that execution, when it is an action's."""
        self.fanout: Fanout | None = None
        """The command whose execution that is, when it is a command's."""
        self._journal: tuple[str, Journal] | None = None
        """The journal, by what the estate says of its database."""
        self.notice = RunNotice(self)
        """What is said of runs on every screen."""
        self.failure: Exception | None = None
        """What ended the console, when it was not the operator."""
        self.wear(theme)

    @cached_property
    def gate(self) -> Gate:
        """What everything goes through that changes something."""
        from calmtui.actions.gate import Gate  # not needed for the first paint

        return Gate(self.live, read_only=self.read_only, through="console")

    @property
    def has_journal(self) -> bool:
        """Whether anybody has asked for the journal yet."""
        return self._journal is not None

    @property
    def journal(self) -> Journal:
        """The journal of runs: that of the estate as it is declared now, which is read after the first paint."""
        from calmtui.runbooks.journal import Journal  # not needed for the first paint

        named = self.live.estate.database
        if self._journal is None or self._journal[0] != named:
            self._journal = named, Journal(named or None)
        return self._journal[1]

    def wear(self, theme: str) -> None:
        """Take the colours of that theme. Raises UsageError."""
        self.register_theme(themes.load(theme))
        self.theme = theme

    def get_driver_class(self) -> type[Driver]:
        """What writes to the terminal."""
        from calmtui.tui.wire import ThinDriver  # of a POSIX terminal, which tests have none of

        return ThinDriver

    # -- the estate ---------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """The one at the bottom of all screens."""
        return self.fleet_screen if self._first is None else self._first

    def on_mount(self) -> None:
        self.set_keymap(self.rebound)
        if not self.is_headless:
            self._leave_the_terminal_alone()
        self.call_after_refresh(self._connect)
        self.notice.begin()

    def _leave_the_terminal_alone(self) -> None:
        """Take Textual's handlers of stopping and going on away: a shell keeps a stopped program's terminal itself.

        When a terminal closes, its programs get SIGHUP and SIGCONT together. Textual would take the
        terminal again for the latter, and read from what is gone for ever.
        """
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        asyncio.get_running_loop().add_signal_handler(signal.SIGCONT, self.action_redraw)

    def _connect(self) -> None:
        self._connection = asyncio.create_task(self._keep_connected(), name="estate")

    async def _keep_connected(self) -> None:
        try:
            if self._declare is not None:
                self.fleet_screen.tree_view.awaited = True
                self.live.declare(await self._declare(self))
                self.fleet_screen.tree_view.awaited = False
                self.fleet_screen.tree_view.refresh()
                self.read_only = self.fleet_screen.read_only = self.read_only or self.live.estate.read_only
            async with contextlib.AsyncExitStack() as stack:
                if self._beside is not None:
                    await stack.enter_async_context(self._beside(self))
                await stack.enter_async_context(self.live)
                if self._connected is not None:
                    await self._connected(self)
                await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 -- a task of its own: whatever it is ends the console, and is told
            self.failure = error
            self.exit()

    async def on_unmount(self) -> None:
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.wait([self._connection], timeout=PARTING)

    def _handle_exception(self, error: Exception) -> None:
        """Textual's own, without the traceback that it prints: the caller tells it in a line, and logs the rest."""
        if self.failure is None:
            self.failure = error
        super()._handle_exception(error)
        self._exit_renderables.clear()

    # -- commands -------------------------------------------------------------------

    @property
    def where(self) -> str:
        """The name of the screen in front, as the table of keys has it."""
        return str(getattr(self.screen, "where", ""))

    def refusal(self, command: keys.Command) -> str:
        """Why a command cannot be carried out now; empty when it can."""
        refuses: Callable[[keys.Command], str] | None = getattr(self.screen, "refusal", None)
        if refuses is not None and (reason := refuses(command)):
            return reason
        if command.changes and self.read_only:
            return f"{command.name} is off: this console is read-only"
        return ""

    async def action_run(self, command_id: str, argument: str = "") -> None:
        """Carry out a command of the table, or say why not."""
        command = keys.command(command_id)
        assert command is not None, command_id
        if reason := self.refusal(command):
            self.say(reason, trouble=True)
            return
        front = self if command.where == "app" else self.screen
        method = getattr(moving.doer(front, command.method), command.method)
        try:
            done = method(argument) if command.argument else method()
            if inspect.isawaitable(done):
                await done
        except CalmError as error:
            self.say(str(error), trouble=True)

    def say(self, text: str, *, trouble: bool = False) -> None:
        """Show a sentence in the footer, until the next key."""
        for screen in reversed(self.screen_stack):
            if footers := screen.query(Footer):
                footers.first().say(text, trouble=trouble)
                return

    def exit(self, result: None = None, return_code: int = 0, message: object = None) -> None:
        """Leave; what is typed from now on is no longer for us."""
        self._type_ahead.close()
        super().exit(result, return_code)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            if self._type_ahead.admit(event):
                target = self.focused or self.screen
                for footer in self.screen.query(Footer):
                    footer.settle()
                await super().on_event(event)
                self._type_ahead.follow(target)
        else:
            await super().on_event(event)

    def show_notice(self) -> None:
        """Have every last line say what needs somebody now."""
        for screen in self.screen_stack:
            for footer in screen.query(Footer):
                footer.refresh()

    async def ask(self, prompt: str) -> str | None:
        """Ask the operator for a secret, one question at a time; None when refused."""
        from calmtui.tui.screens.ask import AskScreen  # not needed for the first paint

        async with self._asking:
            return await self.answer(AskScreen(prompt))

    async def answer(self, screen: Screen[Answer]) -> Answer | None:
        """Show a screen and wait for what it is dismissed with; for tasks of their own, which a worker is not."""
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        await self.push_screen(screen, callback=answer.set_result)
        return await answer

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: the commands of the screen in front."""
        for command in keys.offered(self.where):
            yield SystemCommand(
                command.name, command.sentence, lambda chosen=command.id: self.call_next(self.action_run, chosen)
            )

    # -- commands of every screen -------------------------------------------------------

    def action_theme(self, name: str) -> None:
        """Wear that theme; without a name, the next one."""
        known = themes.names()
        self.wear(name or known[(known.index(self.theme) + 1) % len(known)])
        self.say(f"theme {self.theme}")

    async def action_at(self, text: str) -> None:
        """Show the estate as it was at that time."""
        if not text:
            raise UsageError("at which time?", next_step="write :at 03:12, :at 10m or :at 2026-11-21T02:29")
        await self.show_past(moment(text, time.time(), where=":at"))

    async def show_past(self, at: float, node_id: NodeId | None = None) -> None:
        """Show the estate as it was at a moment (seconds since the epoch), the cursor on a node. Raises StoreError."""
        from calmtui.store import changes  # not needed for the first paint
        from calmtui.store.past import fleet_at
        from calmtui.tui.screens.past import PastScreen

        key = find.key(self.live.estate)
        past = await asyncio.to_thread(fleet_at, key, at)
        changed_at = await asyncio.to_thread(changes.last_at, key, until=at)
        screen = PastScreen(self.fleet_screen, past, changed_at, node_id)
        if isinstance(self.screen, PastScreen):
            await self.switch_screen(screen)
        else:
            await self.push_screen(screen)

    async def action_now(self) -> None:
        """Leave the past, and what was opened on it."""
        from calmtui.tui.screens.past import PastScreen  # not needed for the first paint

        def past() -> bool:
            return any(isinstance(screen, PastScreen) for screen in self.screen_stack)

        if not past():
            self.say("this is now")
        while past():
            await self.pop_screen()

    def action_redraw(self) -> None:
        self.refresh(repaint=True, layout=True)

    def action_leave(self) -> None:
        if self.where == "discover" or len(self.screen_stack) == 1:  # there is nothing to go back to
            self.exit()
        else:
            self.pop_screen()

    def action_help_quit(self) -> None:
        """Ctrl+C, which must not end a console by accident."""
        self.say("q leaves a screen, ctrl+q leaves calmtui")

    def on_outcomes_screen_mark(self, event: OutcomesScreen.Mark) -> None:
        self.fleet_screen.mark_only(event.nodes)

    def on_run_screen_mark(self, event: RunScreen.Mark) -> None:
        self._mark_only(event.nodes)

    def on_log_patterns_screen_mark(self, event: LogPatternsScreen.Mark) -> None:
        self._mark_only(event.nodes)

    def on_log_search_screen_mark(self, event: LogSearchScreen.Mark) -> None:
        self._mark_only(event.nodes)

    def _mark_only(self, nodes: Iterable[NodeId]) -> None:
        if self._first is None:
            self.fleet_screen.mark_only(nodes)
        else:
            self.say("files are not marked: there is no fleet behind this log", trouble=True)
