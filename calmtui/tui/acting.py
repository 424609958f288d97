"""Acting: what the fleet's screen does with the chosen nodes: logs, actions, a shell, their ids; and with sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.fleet.source import Health

if TYPE_CHECKING:
    from calmtui.tui.screens.fleet import FleetScreen


class Acting:
    """A part of the fleet's screen: the commands that lead from nodes to what is done with them."""

    def __init__(self, screen: FleetScreen) -> None:
        self._screen = screen
        self._live = screen.live

    def action_logs(self) -> None:
        from calmtui.tui.screens.logs import LogsScreen  # not needed for the first paint

        if nodes := self._chosen_or_say():
            self._screen.app.push_screen(LogsScreen(self._live, nodes))

    def action_actions(self) -> None:
        from calmtui.tui.screens.actions import ActionsScreen  # not needed for the first paint

        if nodes := self._chosen_or_say():
            self._screen.app.push_screen(ActionsScreen(self._screen.console.gate, nodes, self._hidden(nodes)))

    def action_runbooks(self, name: str) -> None:
        """Start a runbook of that name; without one, choose it."""
        from calmtui.tui import starting  # not needed for the first paint

        starting.begin(self._screen.console, name)

    def action_exec(self, line: str) -> None:
        """Ask for a command, which may stand there already, and show what it is answered."""
        from calmtui.tui.screens import exec as command  # not needed for the first paint

        if nodes := self._chosen_or_say():
            command.begin(self._screen.console, nodes, hidden=self._hidden(nodes), line=line)

    def _hidden(self, nodes: list[Node]) -> int:
        """How many of them the filter does not show."""
        return sum(not self._screen.outline.shows(node.id) for node in nodes)

    def action_shell(self) -> None:
        from calmtui.tui.shell import open_shell  # not needed for the first paint

        console, node = self._screen.console, self._screen.tree_view.node
        if node is None:
            console.say("a shell opens on one node: put the cursor on it")
        else:
            console.run_worker(open_shell(console, self._live, node), name="shell")

    def action_trail(self) -> None:
        """What is recorded of the node under the cursor."""
        console, node = self._screen.console, self._screen.tree_view.node
        if node is None:
            console.say("what was done is recorded for nodes: put the cursor on one")
        else:
            console.opening.action_audit(f"node={node.id}$")

    def action_retry(self, source: str) -> None:
        """Try that source again; without a name, every failing one."""
        sources = self._live.fleet.sources
        if source and source not in sources:
            raise UsageError(f"there is no source {source!r}", next_step=f"there are {', '.join(sources)}")
        failing = (Health.STALE, Health.PARTIAL)
        again = [source] if source else [name for name, told in sources.items() if told.health in failing]
        for name in again:
            self._live.gatherer.retry(name)
        self._screen.console.say(f"trying {', '.join(again)} again" if again else "no source is failing")

    def action_copy(self) -> None:
        if nodes := self._chosen_or_say():
            self._screen.app.copy_to_clipboard("\n".join(node.id for node in nodes))
            said = f"copied {nodes[0].id}" if len(nodes) == 1 else f"copied {len(nodes)} ids"
            self._screen.console.say(said)

    def _chosen_or_say(self) -> list[Node]:
        nodes = self._screen.chosen()
        if not nodes:
            self._screen.console.say("nothing is marked, and there is no node under the cursor")
        return nodes
