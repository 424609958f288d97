"""Keys that come in one burst are carried out one after the other, as if they had been typed slowly.

Textual hands a key to whatever has the focus when the key arrives, not when the key before it has
been carried out. Over a slow line `/web` comes as one piece: `w`, `e` and `b` would still go to the
tree and act there. Here a key waits until the one before it has gone all the way up and the focus
has settled. A single key never waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.dom import DOMNode
from textual.events import Key, Paste

if TYPE_CHECKING:
    from textual.app import App

Typed = Key | Paste
Callback = Callable[[], object]


class TypeAhead:
    """Holds what is typed while the key before it is on its way."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._held: deque[Typed] = deque()
        self._due: Typed | None = None
        """What was let go and comes round again."""
        self._before: tuple[object, object] | None = None
        """Screen and focus when the key that is on its way was handed over; None: none is."""

    def admit(self, event: Typed) -> bool:
        """Whether to hand an event over now. If so, call `follow` once that is done; if not, it comes again."""
        if event is self._due:
            self._due = None
        elif self._before is not None or self._due is not None or self._held:
            self._held.append(event)
            return False
        self._before = self._place()
        return True

    def follow(self, target: DOMNode) -> None:
        """Climb behind an event that was handed to `target`, the way that it bubbles, and let the next one go.

        The first climb ends when the app has carried out what the key is bound to, the second when
        the messages that this has sent have been taken in.
        """
        self._climb(target, lambda: self._climb(target, self._arrived))

    def _climb(self, node: DOMNode, then: Callback) -> None:
        """Pass through the queues of a node and of all above it, behind what is in them, then go on."""
        parent = node.parent
        if parent is None or not node.call_later(self._climb, parent, then):
            self._app.call_later(then)

    def _arrived(self) -> None:
        if self._before == self._place():
            self._release()
            return
        self._before = self._place()
        if not self._app.screen.call_after_refresh(self._arrived):
            self._release()

    def _release(self) -> None:
        self._before = None
        if self._held:
            self._due = self._held.popleft()
            self._app.post_message(self._due)

    def _place(self) -> tuple[object, object]:
        return self._app.screen, self._app.focused
