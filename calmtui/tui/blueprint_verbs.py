"""What can be done with a service: ask its nodes, hold environments side by side, start, stop and restart it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from calmtui.errors import CalmError, UsageError
from calmtui.runbooks.plan import RunPlan
from calmtui.tui.services import Service, Services
from calmtui.tui.widgets.footer import Footer

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp
    from calmtui.tui.screens.blueprint import BlueprintScreen
    from calmtui.tui.screens.blueprints import BlueprintsScreen


class BlueprintVerbs:
    """A part of the screens of services: the commands that do something with the one under the cursor."""

    def __init__(self, screen: BlueprintScreen | BlueprintsScreen, services: Services) -> None:
        self._screen = screen
        self._services = services

    def _service(self) -> Service:
        service = self._screen.service
        if service is None:
            raise UsageError("there is no service under the cursor")
        return service

    def _say(self, text: str) -> None:
        self._screen.query_one(Footer).say(text)

    def action_check(self) -> None:
        """Ask the nodes what only they can tell."""
        service = self._service()
        if service.drift is None or not (service.drift.unchecked or service.looks is not None):
            raise UsageError("nothing is declared that only the nodes can tell")
        self._say("asking the nodes")
        self._screen.run_worker(self._ask(service), group="ask", exclusive=True)

    async def _ask(self, service: Service) -> None:
        try:
            await self._services.ask(service.key)
        except CalmError as error:
            self._screen.query_one(Footer).say(str(error), trouble=True)
            return
        self._screen.show()
        now = self._services.find(service.key)
        if now is not None and now.drift is not None:
            self._say(f"{now.drift.completeness} nodes are as declared")

    def action_diff(self) -> None:
        """Hold it beside another of its environments."""
        from calmtui.tui.screens.blueprint_diff import BlueprintDiffScreen  # not needed before

        service = self._service()
        others = [one for one in self._services.environments(service.bound.blueprint) if one.key != service.key]
        if not others:
            raise UsageError(f"{service.bound.blueprint} has no other environment")
        self._screen.app.push_screen(BlueprintDiffScreen(self._services, service.key, others))

    def action_start(self) -> None:
        """Start it, each tier after all that it needs."""
        self._plan("start")

    def action_stop(self) -> None:
        """Stop it, each tier before all that it needs."""
        self._plan("stop")

    def action_restart(self) -> None:
        """Restart it, each tier after all that it needs."""
        self._plan("restart")

    def _plan(self, verb: str) -> None:
        service = self._service()
        self._screen.run_worker(self._show_plan(service.key, verb), group="plan", exclusive=True)

    async def _show_plan(self, key: tuple[str, str], verb: str) -> None:
        from calmtui.tui.screens.run_plan import RunPlanScreen  # not needed before

        async def make(reason: str, broken: bool) -> RunPlan:
            return await self._services.plan(key, verb, reason, broken=broken)

        console = cast("CalmApp", self._screen.app)
        try:
            plan = await make("", False)
        except CalmError as error:
            self._screen.query_one(Footer).say(str(error), trouble=True)
        else:
            console.push_screen(RunPlanScreen(console.gate, console.journal, plan, make))
