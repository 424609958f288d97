"""Blueprints: every service in each of its environments, beside what is declared; what differs comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import Screen

from calmtui import sanitise
from calmtui.tui import blueprint_words, keys
from calmtui.tui.blueprint_verbs import BlueprintVerbs
from calmtui.tui.glyphs import of_locale
from calmtui.tui.services import Service, Services
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

if TYPE_CHECKING:
    from calmtui.tui.screens.fleet import FleetScreen

LOOK = 1.0
"""Seconds between two looks at whether the fleet has changed, while the screen is in front."""


class BlueprintsScreen(Screen[None]):
    """A row for each service and environment; below it all that differs there."""

    where = "blueprints"
    BINDINGS = keys.bindings("blueprints")
    DEFAULT_CSS = """
    BlueprintsScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > Rows { height: 1fr; }
        & > #detail { height: auto; max-height: 8; color: $text-muted; padding: 0 1; border-top: solid $panel; }
    }
    """

    def __init__(self, fleet_screen: FleetScreen, services: Services) -> None:
        super().__init__()
        self.fleet_screen = fleet_screen
        self.services = services
        self.verbs = BlueprintVerbs(self, services)
        self.parts = (self.verbs,)
        """What carries out commands beside the screen itself."""
        self._shown: list[Service] = []
        self._signs = of_locale()

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield Rows(self._row)
        yield Still(id="detail")
        yield Footer()

    def on_mount(self) -> None:
        self.rows.focus()
        self.query_one("#head", Still).tell(" blueprints")
        self.set_interval(LOOK, self.look)
        self.call_later(self.look)

    @property
    def rows(self) -> Rows:
        """A row for each service and environment."""
        return self.query_one(Rows)

    @property
    def service(self) -> Service | None:
        """What is under the cursor."""
        return self._shown[self.rows.cursor] if self._shown else None

    async def look(self) -> None:
        """Take in what the fleet says now; the cursor stays on its service."""
        if self.is_current:
            await self.services.look()
            self.show()

    def show(self) -> None:
        """Show the services as they were compared last."""
        before = self.service
        self._shown = list(self.services.all)
        self.rows.show(len(self._shown))
        if before is not None:
            at = next((at for at, one in enumerate(self._shown) if one.key == before.key), self.rows.cursor)
            self.rows.move(at)
        self._tell()

    def _tell(self) -> None:
        wrong = sum(one.urgency[0] == 0 for one in self._shown)
        unknown = sum(one.urgency[0] == 1 for one in self._shown)
        told = [f"{len(self._shown)} services"] if len(self._shown) != 1 else ["1 service"]
        told += [f"{wrong} {'differs' if wrong == 1 else 'differ'}"] if wrong else []
        told += [f"{unknown} not known"] if unknown else []
        mistakes = len(self.services.problems)
        told += [f"{mistakes} {'mistake' if mistakes == 1 else 'mistakes'} in files"] if mistakes else []
        head = told if self.services.read else ["reading"]
        self.query_one("#head", Still).tell(f" {self._signs.dot} ".join([" blueprints", *head]))
        self.query_one("#detail", Still).tell("\n".join(map(sanitise.word, self._detail())))

    def _detail(self) -> list[str]:
        service = self.service
        if service is None or self.services.problems:
            none = "the estate has no blueprints: write blueprints/NAME.yaml" if self.services.read else ""
            return self.services.problems[:7] or [none]
        reasons = service.drift.reasons if service.drift is not None else [service.trouble]
        more = [f"and {len(reasons) - 5} more: enter"] if len(reasons) > 6 else []
        tiers = " → ".join(tier.name for tier in service.bound.tiers)
        return [f"{service.bound.summary} · {tiers}", *(reasons[:5] if more else reasons), *more]

    def _row(self, index: int) -> Sequence[Span]:
        names = max(len(one.bound.blueprint) for one in self._shown)
        environments = max(len(one.bound.environment) for one in self._shown)
        return blueprint_words.service_row(self._shown[index], names, environments, self._signs)

    def on_rows_moved(self) -> None:
        self._tell()

    # -- commands ---------------------------------------------------------------------

    def on_rows_chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """The tiers and nodes of what is under the cursor."""
        from calmtui.tui.screens.blueprint import BlueprintScreen  # not needed before

        if (service := self.service) is not None:
            self.app.push_screen(BlueprintScreen(self.fleet_screen, self.services, service.key))

    def action_back(self) -> None:
        self.app.pop_screen()
