"""CalmApp: opens the screens, carries out commands, keeps the estate connected while it runs."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Mapping

from textual.app import App, SystemCommand
from textual.screen import Screen

from calmtui.estate.live import LiveEstate
from calmtui.tui import keys
from calmtui.tui.screens.fleet import FleetScreen
from calmtui.tui.widgets.footer import Footer


class CalmApp(App[None]):
    """The console on one live estate.

    `rebound` is a table of command ids and the keys that they get instead of their own.
    """

    TITLE = "calmtui"
    ENABLE_COMMAND_PALETTE = False  # the palette opens as a command of ours, under a key that can be rebound
    BINDINGS = keys.bindings("app")

    def __init__(self, live: LiveEstate, *, read_only: bool = False, rebound: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.live = live
        self.read_only = read_only
        self.rebound = dict(rebound or {})
        self.animation_level = "none"
        self._asking = asyncio.Lock()

    def on_mount(self) -> None:
        self.set_keymap(self.rebound)
        self.push_screen(FleetScreen(self.live))
        self.call_after_refresh(self.run_worker, self._keep_connected(), name="estate", exit_on_error=False)

    async def _keep_connected(self) -> None:
        async with self.live:
            await asyncio.Event().wait()

    # -- commands ---------------------------------------------------------------

    @property
    def where(self) -> str:
        """The name of the screen in front, as the table of keys has it."""
        return str(getattr(self.screen, "where", ""))

    def refusal(self, command: keys.Command) -> str:
        """Why a command cannot be carried out now; empty when it can."""
        if command.changes and self.read_only:
            return f"{command.name} is off: this console is read-only"
        return ""

    async def action_run(self, command_id: str, *arguments: str) -> None:
        """Carry out a command of the table, or say why not."""
        command = keys.command(command_id)
        assert command is not None, command_id
        if reason := self.refusal(command):
            self.say(reason, trouble=True)
            return
        place = self if command.where == "app" else self.screen
        if command.argument and not arguments:
            arguments = ("",)
        done = getattr(place, command.method)(*arguments)
        if inspect.isawaitable(done):
            await done

    def say(self, text: str, *, trouble: bool = False) -> None:
        """Show a sentence in the footer, until the next key."""
        for screen in reversed(self.screen_stack):
            if footers := screen.query(Footer):
                footers.first().say(text, trouble=trouble)
                return

    async def ask(self, prompt: str) -> str | None:
        """Ask the operator for a secret, one question at a time; None when refused."""
        from calmtui.tui.screens.ask import AskScreen  # not needed for the first paint

        async with self._asking:
            answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            await self.push_screen(AskScreen(prompt), callback=answer.set_result)
            return await answer

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: the commands of the screen in front."""
        for command in keys.offered(self.where):
            yield SystemCommand(
                command.name, command.sentence, lambda chosen=command.id: self.call_next(self.action_run, chosen)
            )

    # -- actions of the app -------------------------------------------------------

    def action_palette(self) -> None:
        from textual.command import CommandPalette  # not needed for the first paint

        self.push_screen(CommandPalette())

    def action_redraw(self) -> None:
        self.refresh(repaint=True, layout=True)

    def action_leave(self) -> None:
        if isinstance(self.screen, FleetScreen):
            self.exit()
        else:
            self.pop_screen()

    def action_help_quit(self) -> None:
        """Ctrl+C, which must not end a console by accident."""
        self.say("q leaves a screen, ctrl+q leaves calmtui")
