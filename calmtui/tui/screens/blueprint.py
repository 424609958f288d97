"""A service in one environment: its tiers in order, and what of each node is not as declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import Screen

from calmtui.tui import blueprint_words, keys
from calmtui.tui.blueprint_verbs import BlueprintVerbs
from calmtui.tui.blueprint_words import Row
from calmtui.tui.glyphs import of_locale
from calmtui.tui.screens.blueprints import LOOK
from calmtui.tui.services import Service, Services
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

if TYPE_CHECKING:
    from calmtui.tui.screens.fleet import FleetScreen


class BlueprintScreen(Screen[None]):
    """The nodes that differ, tier by tier; the others are folded. Enter goes to a node in the fleet, esc comes back."""

    where = "blueprint"
    BINDINGS = keys.bindings("blueprint")
    DEFAULT_CSS = """
    BlueprintScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > #about { height: 1; color: $text-muted; padding: 0 1; }
        & > Rows { height: 1fr; }
    }
    """

    def __init__(self, fleet_screen: FleetScreen, services: Services, key: tuple[str, str]) -> None:
        super().__init__()
        self.fleet_screen = fleet_screen
        self.services = services
        self.key = key
        self.everything = False
        """Whether the nodes that are as declared have rows too."""
        self.verbs = BlueprintVerbs(self, services)
        self.parts = (self.verbs,)
        """What carries out commands beside the screen itself."""
        self._shown: list[Row] = []
        self._signs = of_locale()

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield Still(id="about")
        yield Rows(self._row)
        yield Footer()

    def on_mount(self) -> None:
        self.rows.focus()
        self.set_interval(LOOK, self.look)
        self.show()

    def on_screen_resume(self) -> None:
        self.rows.focus()

    @property
    def rows(self) -> Rows:
        """Tiers and nodes."""
        return self.query_one(Rows)

    @property
    def service(self) -> Service | None:
        """What is shown."""
        return self.services.find(self.key)

    async def look(self) -> None:
        """Take in what the fleet says now."""
        if self.is_current and await self.services.look():
            self.show()

    def show(self) -> None:
        """Show the service as it was compared last; the cursor stays on its node."""
        service = self.service
        if service is None:
            return
        at = self._shown[self.rows.cursor][0] if self._shown else None
        drift = service.drift
        self._shown = list(blueprint_words.drift_rows(drift, self._signs, everything=self.everything)) if drift else []
        self.rows.show(len(self._shown))
        if at is not None:
            self.rows.move(next((n for n, (node, _) in enumerate(self._shown) if node == at), self.rows.cursor))
        dot = f" {self._signs.dot} "
        blueprint, environment = self.key
        told = [f" {blueprint}", environment, f"{drift.completeness} as declared" if drift else service.trouble]
        self.query_one("#head", Still).tell(dot.join(told))
        values = [f"{name}={value}" for name, value in service.bound.variables.items()]
        about = [service.bound.summary, *values, blueprint_words.asked(service)]
        self.query_one("#about", Still).tell(dot.join(filter(None, about)))

    def _row(self, index: int) -> Sequence[Span]:
        return self._shown[index][1]

    # -- commands ---------------------------------------------------------------------

    def on_rows_chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """The node under the cursor, in the fleet; on a row of folded nodes, all of them."""
        node_id = self._shown[self.rows.cursor][0] if self._shown else None
        if node_id is None:
            self.action_all()
        elif self.fleet_screen.fleet.get(node_id) is None:
            self.query_one(Footer).say(f"{node_id} is not there any more")
        else:
            self.fleet_screen.visit(node_id, back_to=self, called="the blueprint")

    def action_all(self) -> None:
        """Rows for the nodes that are as declared, or not."""
        self.everything = not self.everything
        self.show()

    def action_back(self) -> None:
        self.app.pop_screen()
