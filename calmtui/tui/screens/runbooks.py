"""The runbooks of the estate, what each does and how it went before; one is chosen to be started."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from calmtui import sanitise
from calmtui.errors import CalmError
from calmtui.estate.model import Estate
from calmtui.runbooks import earlier, load
from calmtui.runbooks.earlier import Earlier
from calmtui.runbooks.journal import Journal
from calmtui.runbooks.load import Runbook
from calmtui.tui import keys
from calmtui.tui.watching import LOOKED_AT
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still


@dataclass(frozen=True)
class Entry:
    """A runbook of the list."""

    name: str
    runbook: Runbook | None
    """None: its file is wrong."""
    earlier: Earlier
    wrong: str = ""


class RunbooksScreen(ModalScreen[Runbook | None]):
    """Dismissed with the one to start, or with None."""

    where = "runbooks"
    BINDINGS = keys.bindings("runbooks")
    DEFAULT_CSS = """
    RunbooksScreen {
        align: center middle;
        & Rows { height: auto; max-height: 60vh; }
        & #about { height: auto; max-height: 8; color: $text-muted; margin-top: 1; }
    }
    """

    def __init__(self, estate: Estate, journal: Journal) -> None:
        super().__init__()
        self._estate = estate
        self._journal = journal
        self._entries: list[Entry] = []
        self._width = 0

    def compose(self) -> ComposeResult:
        with Box("runbooks"):
            yield Rows(self._row)
            yield Still(id="about")

    async def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self.query_one("#about", Still).tell("reading")
        try:
            self._entries = await asyncio.to_thread(_read, self._estate, self._journal)
        except CalmError as error:
            self.query_one("#about", Still).tell(str(error))
            return
        self._width = max((len(entry.name) for entry in self._entries), default=0)
        self.query_one(Rows).show(len(self._entries))
        self._tell()

    def on_rows_moved(self) -> None:
        self._tell()

    def on_rows_chosen(self) -> None:
        self.action_choose()

    def on_key(self, event: events.Key) -> None:
        """A letter goes to the next runbook that begins with it, but for those that go up and down."""
        if event.character and event.character.isalpha() and event.character not in "jk":
            event.stop()
            rows = self.query_one(Rows)
            found = [at for at, entry in enumerate(self._entries) if entry.name.startswith(event.character)]
            if found:
                rows.move(next((at for at in found if at > rows.cursor), found[0]))

    def action_choose(self) -> None:
        """Go on with the runbook under the cursor, unless its file is wrong."""
        entry = self._entry
        if entry is not None and entry.runbook is not None:
            self.dismiss(entry.runbook)

    def action_back(self) -> None:
        self.dismiss(None)

    @property
    def _entry(self) -> Entry | None:
        return self._entries[self.query_one(Rows).cursor] if self._entries else None

    def _tell(self) -> None:
        entry = self._entry
        if entry is None:
            text = f"the estate has no runbooks: write {load.folder(self._estate)}/NAME.yaml"
        elif entry.runbook is None:
            text = entry.wrong
        else:
            declared = entry.runbook.declared
            given = ", ".join(declared.parameters) or "no parameters"
            text = f"{declared.summary}\ntargets: {declared.targets}\n{given} · {entry.earlier.told}"
        self.query_one("#about", Still).tell("\n".join(map(sanitise.word, text.splitlines())))

    def _row(self, index: int) -> list[Span]:
        entry = self._entries[index]
        name = (entry.name.ljust(self._width + 2), "strong")
        if entry.runbook is None:
            return [name, ("its file is wrong", "error")]
        told = entry.earlier.told if entry.earlier.times else ""
        return [name, (sanitise.word(entry.runbook.declared.summary), ""), (f"  {told}", "quiet")]


def _read(estate: Estate, journal: Journal) -> list[Entry]:
    runs = journal.runs(LOOKED_AT)
    found = []
    for name in load.known(estate):
        told = earlier.of(name, runs)
        try:
            found.append(Entry(name, load.load(estate, name), told))
        except CalmError as error:
            found.append(Entry(name, None, told, str(error)))
    return found
