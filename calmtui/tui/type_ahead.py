"""Keys that come in one burst are carried out one after the other, as if they had been typed slowly.

Textual hands a key to whatever has the focus when the key arrives, not when the key before it has
been carried out. Over a slow line `/web` comes as one piece: `w`, `e` and `b` would still go to the
tree and act there. Here a key waits until the one before it has gone all the way up and the focus
has settled. A single key never waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.dom import DOMNode
from textual.events import Key, Paste

if TYPE_CHECKING:
    from textual.app import App

Typed = Key | Paste
Callback = Callable[[], object]

PATIENCE = 0.25
"""Seconds after which the next key is let go whatever became of the one before it."""


class TypeAhead:
    """Holds what is typed while the key before it is on its way."""

    def __init__(self, app: App[None], answered: Callable[[], None]) -> None:
        """`answered` is called when the screen shows what a key did."""
        self._app = app
        self._answered = answered
        self._held: deque[Typed] = deque()
        self._due: Typed | None = None
        """What was let go and comes round again."""
        self._before: tuple[DOMNode | None, DOMNode | None] | None = None
        """Screen and focus when the key that is on its way was last looked after; None: none is."""
        self._turn = 0
        """How many were handed over."""
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a key is on its way, or waits for one that is."""
        return self._before is not None or self._due is not None

    def close(self) -> None:
        """Let nothing more through: the console is being left."""
        self._closed = True

    def admit(self, event: Typed) -> bool:
        """Whether to hand an event over now. If so, call `follow` once that is done; if not, it comes again."""
        if self._closed:
            return False
        if event is self._due:
            self._due = None
        elif self.busy:
            self._held.append(event)
            return False
        self._before = self._place()
        return True

    def follow(self, target: DOMNode) -> None:
        """Climb behind an event that was handed to `target`, the way that it bubbles, and let the next one go.

        The first climb ends when the app has carried out what the key is bound to, the second when
        the messages that this has sent have been taken in.
        """
        self._turn += 1
        self._climb(target, lambda: self._climb(target, partial(self._arrived, self._turn)))
        # What is removed on the way up takes what is in its queue with it.
        self._app.set_timer(PATIENCE, partial(self._release, self._turn))

    def _climb(self, node: DOMNode, then: Callback) -> None:
        """Pass through the queues of a node and of all above it, behind what is in them, then go on."""
        parent = node.parent
        if parent is None or not node.call_later(self._climb, parent, then):
            self._app.call_later(then)

    def _arrived(self, turn: int) -> None:
        if turn != self._turn or self._before is None:
            return
        before, self._before = self._before, self._place()
        if before == self._before:
            self._release(turn)
        else:  # a screen that has just come gives somebody the focus first
            screen, focused = self._before
            self._climb(focused or screen or self._app, partial(self._arrived, turn))

    def _release(self, turn: int) -> None:
        if turn != self._turn or self._before is None:
            return
        self._before = None
        self._app.call_after_refresh(self._answered)
        if self._held:
            self._due = self._held.popleft()
            self._app.post_message(self._due)

    def _place(self) -> tuple[DOMNode | None, DOMNode | None]:
        stack = self._app.screen_stack
        return (stack[-1], stack[-1].focused) if stack else (None, None)
