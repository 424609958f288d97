"""What this machine is set up for: every source found, on or off, before anything is connected to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from calmtui.estate.discover import Found
from calmtui.tui import keys
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span

NOTHING = """Nothing was found on this machine:
no Docker engine, no kubeconfig, no AWS profile, no hosts in ~/.ssh/config.

Write what you look after into a file, and open it with  calmtui -i FILE :

    name: mine
    sources:
      web: {provider: ssh, hosts: "web-[01-12].example.org", user: ops}

calmtui demo  shows an estate that it brings up by itself."""


class DiscoverScreen(Screen[dict[str, bool]]):
    """The sources that were found; dismissed with those that are on and off, by name."""

    where = "discover"
    BINDINGS = keys.bindings("discover")
    DEFAULT_CSS = """
    DiscoverScreen {
        & #title { height: 2; padding: 0 1; }
        & #nothing { height: 1fr; padding: 1 2; }
    }
    """

    def __init__(self, found: Sequence[Found], on: Mapping[str, bool]) -> None:
        super().__init__()
        self._found = found
        self._on = dict(on)

    def compose(self) -> ComposeResult:
        yield Static(self._title(), id="title", markup=False)
        if self._found:
            yield Rows(self._row, len(self._found))
        else:
            yield Static(NOTHING, id="nothing", markup=False)
        yield Footer()

    def _title(self) -> str:
        count = sum(self._on.values())
        return f"Found on this machine: {len(self._found)} sources, {count} on. Nothing is connected to yet."

    def _row(self, index: int) -> list[Span]:
        item = self._found[index]
        on = self._on.get(item.name, False)
        return [
            (" [x] " if on else " [ ] ", "strong" if on else "quiet"),
            (f"{item.name:<24} ", "strong" if on else ""),
            (f"{item.provider:<12}", "quiet"),
            (f"{item.discovered.note}  " if item.discovered.note else "", ""),
            (item.error or item.discovered.found_in, "warn" if item.error else "quiet"),
        ]

    def action_switch(self) -> None:
        for rows in self.query(Rows):
            item = self._found[rows.cursor]
            if not item.error:
                self._on[item.name] = not self._on.get(item.name, False)
            rows.refresh()
        self.query_one("#title", Static).update(self._title())

    def action_connect(self) -> None:
        self.dismiss(self._on)
