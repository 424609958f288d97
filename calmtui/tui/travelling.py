"""Travelling: how the fleet's screen goes from node to node: along links, and back and forth on its own trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.fleet.node import NodeId
from calmtui.fleet.trail import Trail

if TYPE_CHECKING:
    from calmtui.tui.screens.fleet import FleetScreen


class Travelling:
    """A part of the fleet's screen: the commands that put the cursor on another node, however far it is."""

    def __init__(self, screen: FleetScreen) -> None:
        self._screen = screen
        self._trail = Trail()

    def looked_at(self) -> None:
        """The node under the cursor is one to come back to."""
        if (node := self._screen.tree_view.node) is not None:
            self._trail.visit(node.id)

    def jump(self, node_id: NodeId) -> None:
        """Go to a node, whatever hides it, so that one can come back to where one is now."""
        self.looked_at()
        self._trail.visit(node_id)
        self._screen.go_to(node_id)

    def action_links(self) -> None:
        from calmtui.tui.screens.links import LinksScreen  # not needed for the first paint

        screen, node = self._screen, self._screen.tree_view.node
        if node is None:
            screen.console.say("links are those of a node: put the cursor on it")
        elif not screen.live.links.of(node):
            screen.console.say(f"{node.name} is linked to nothing that is known")
        else:
            screen.app.push_screen(LinksScreen(screen.live, node), self._chosen)

    def _chosen(self, node_id: NodeId | None) -> None:
        if node_id is not None:
            self.jump(node_id)

    def action_earlier(self) -> None:
        self.looked_at()
        self._step(-1, "nothing was looked at before")

    def action_later(self) -> None:
        self._step(1, "nothing was looked at after")

    def _step(self, way: int, otherwise: str) -> None:
        """Go to the next node of the trail that is still there."""
        while (node_id := self._trail.step(way)) is not None:
            if self._screen.fleet.get(node_id) is not None:
                self._screen.go_to(node_id)
                return
        self._screen.console.say(otherwise)
