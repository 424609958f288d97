"""The command line: `:` and the name of a command, with what may follow it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from calmtui.fleet.grouping import GROUPINGS, ORDERS
from calmtui.tui import keys, themes


def arguments(command: keys.Command, sources: Iterable[str]) -> list[str]:
    """What is known to stand after a command."""
    match command.argument:
        case "NAME":
            return themes.names()
        case "BY":
            return [*(known.name for known in GROUPINGS), "label."]
        case "ORDER":
            return list(ORDERS)
        case "SOURCE":
            return list(sources)
        case _:
            return []


Queries = Callable[[str], Iterable[str]]
"""Gives the whole queries that a beginning may become."""
MANY = 20
"""More lines than anybody reads."""


def no_queries(text: str) -> Iterable[str]:
    """For screens that know nothing to query."""
    return ()


def complete(text: str, where: str, sources: Iterable[str], queries: Queries = no_queries) -> list[str]:
    """The whole lines that a beginning may become."""
    name, space, typed = text.partition(" ")
    offered = _offered(where)
    if not space:
        return [known for known in sorted(offered) if known.startswith(name)]
    if name not in offered:
        return []
    if offered[name].argument == "QUERY":
        return [f"{name} {query}" for query in islice(queries(typed.lstrip()), MANY)]
    return [f"{name} {value}" for value in arguments(offered[name], sources) if value.startswith(typed.lstrip())]


def _offered(where: str) -> dict[str, keys.Command]:
    """The commands of a screen by their names; its own hide those of the app that have the same."""
    return {command.name: command for command in reversed(keys.offered(where))}


def read(text: str, where: str) -> tuple[str, str] | str:
    """The id of the command that was typed, and its argument; or a sentence on what is wrong."""
    offered = _offered(where)
    if text.strip()[:1] in ("+", "-") and "skip" in offered:
        text = f"skip {text.strip()}"
    name, _, argument = text.strip().partition(" ")
    fitting = [known for known in offered if known.startswith(name)]
    if name not in offered and len(fitting) == 1:
        name = fitting[0]
    if name not in offered:
        several = f"; do you mean {', '.join(sorted(fitting)[:4])}?" if fitting else "; ? lists what there is"
        return f"there is no command {name!r} here{several}"
    if argument and not offered[name].argument:
        return f"nothing can follow {name!r}"
    return offered[name].id, argument.strip()


class _Commands(Suggester):
    def __init__(self, lines: Callable[[str], list[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._lines = lines

    async def get_suggestion(self, value: str) -> str | None:
        return next(iter(self._lines(value)), None) if value else None


class CommandScreen(ModalScreen[tuple[str, str] | None]):
    """One line to type a command on; dismissed with its id and argument."""

    where = "command"
    BINDINGS = keys.bindings("command")
    DEFAULT_CSS = """
    CommandScreen {
        background: transparent;
        & Vertical { dock: bottom; height: 2; background: $panel; }
        & Horizontal { height: 1; }
        & #colon { width: 2; color: $accent; text-style: bold; }
        & Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
        & #choices { height: 1; color: $text-muted; }
    }
    """

    def __init__(self, behind: str, sources: Iterable[str] = (), queries: Queries = no_queries) -> None:
        super().__init__()
        self._behind = behind
        self._sources = list(sources)
        self._queries = queries

    def _lines(self, text: str) -> list[str]:
        return complete(text, self._behind, self._sources, self._queries)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(id="choices", markup=False)
            with Horizontal():
                yield Static(" :", id="colon")
                yield Input(compact=True, suggester=_Commands(self._lines))

    def on_mount(self) -> None:
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, text: str) -> None:
        choices = [choice.rpartition(" ")[2] for choice in self._lines(text)]
        self.query_one("#choices", Static).update("  " + "  ".join(choices))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            self.dismiss(None)
            return
        answer = read(event.value, self._behind)
        if isinstance(answer, str):
            self.query_one("#choices", Static).update(f"  {answer}")
        else:
            self.dismiss(answer)

    def action_complete(self) -> None:
        """Take what is the same in all that it may become."""
        line = self.query_one(Input)
        choices = self._lines(line.value)
        if choices:
            line.value = choices[0] if len(choices) == 1 else _common(choices)
            line.cursor_position = len(line.value)

    def action_back(self) -> None:
        self.dismiss(None)


def _common(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    same = next((index for index, sign in enumerate(first) if sign != last[index : index + 1]), len(first))
    return first[:same]
