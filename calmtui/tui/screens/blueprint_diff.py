"""Two environments of a service side by side."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.screen import Screen

from calmtui import sanitise
from calmtui.blueprints.contrast import Aspect, Side, contrast, unexplained
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.services import Service, Services
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

LABEL = 24
"""Columns for the tier and what is compared of it."""
MEANINGS = {"same": "quiet", "as declared": "", "drift": "error", "differs": "warn", "not known": "warn"}


class BlueprintDiffScreen(Screen[None]):
    """A row for each thing that is compared; what is the same is folded away until it is asked for."""

    where = "blueprint-diff"
    BINDINGS = keys.bindings("blueprint-diff")
    DEFAULT_CSS = """
    BlueprintDiffScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > #columns { height: 1; color: $text-muted; }
        & > Rows { height: 1fr; }
    }
    """

    def __init__(self, services: Services, key: tuple[str, str], others: Sequence[Service]) -> None:
        """`others` are the services in the other environments; the first is shown beside it."""
        super().__init__()
        self.services = services
        self._key = key
        self._others = [one.key for one in others]
        self._everything = False
        self._aspects: list[Aspect] = []
        self._signs = of_locale()

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield Still(id="columns")
        yield Rows(self._row)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        left, right = self.services.find(self._key), self.services.find(self._others[0])
        found: list[Aspect] = []
        if left is not None and right is not None and left.drift is not None and right.drift is not None:
            found = contrast(Side(left.bound, left.drift, left.looks), Side(right.bound, right.drift, right.looks))
        self._aspects = [one for one in found if self._everything or not one.same or one.unexplained]
        self.query_one(Rows).show(len(self._aspects))
        bad, same = len(unexplained(found)), sum(one.same for one in found)
        told = [
            f" {self._key[0]}",
            f"{bad} not declared so" if bad else "they differ only as declared",
            f"{same} the same",
        ]
        self.query_one("#head", Still).tell(f" {self._signs.dot} ".join(told))
        names = f" {'':<{LABEL}}{self._key[1]:<{self._width}}{self._others[0][1]:<{self._width}}"
        self.query_one("#columns", Still).tell(names)

    @property
    def _width(self) -> int:
        return max((self.size.width - LABEL - 14) // 2, 12)

    def _row(self, index: int) -> Sequence[Span]:
        one = self._aspects[index]
        how = MEANINGS[one.word]
        return [
            (f"{one.tier} {one.what}"[: LABEL - 1].ljust(LABEL), "quiet" if one.same else "strong"),
            (self._cell(one.left), "error" if one.left_drifts else how),
            (self._cell(one.right), "error" if one.right_drifts else how),
            (one.word, how),
        ]

    def _cell(self, text: str) -> str:
        text, width = sanitise.word(text or "none"), self._width
        return (text if len(text) < width else text[: width - 2] + self._signs.cut).ljust(width)

    def action_next(self) -> None:
        """The next environment beside it."""
        self._others = [*self._others[1:], self._others[0]]
        self._show()

    def action_all(self) -> None:
        """What is the same too, or not."""
        self._everything = not self._everything
        self._show()

    def action_back(self) -> None:
        self.app.pop_screen()
