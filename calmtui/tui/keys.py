"""The one table of what can be done from the keyboard: bindings, footer, help, palette and `:` all derive from it.

To add a command: a line in `TABLE` (`key_table`), and a method `action_NAME` on the screen named by its first
part (`fleet.mark` is `action_mark` of the screen whose `where` is "fleet"; `app.…` is the app's; a dash becomes
an underscore) or on one of the screen's `parts`. What moves in rows does so on every screen (`moving`). The
screen takes its bindings with `BINDINGS = keys.bindings("fleet")`. The footer, help and palette follow from the
screen's `where`.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType

from calmtui.estate.problems import Problem, closest
from calmtui.tui.key_table import TABLE as TABLE
from calmtui.tui.key_table import Command as Command


def _of(where: str) -> list[Command]:
    return [command for command in TABLE if command.where == where]


def offered(where: str) -> list[Command]:
    """The commands that a screen offers, its own before those of the whole app."""
    return [*_of(where), *_of("app")]


def bindings(*places: str) -> list[BindingType]:
    """Textual's bindings for a screen; every key leads through `App.action_run`, which knows what is refused."""
    return [
        Binding(command.keys, f"app.run({command.id!r})", command.sentence, id=command.id)
        for where in places
        for command in _of(where)
        if command.keys
    ]


def command(command_id: str) -> Command | None:
    """The command of that id, or None."""
    return next((command for command in TABLE if command.id == command_id), None)


def problems(rebound: Mapping[str, str], where: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the ids of a table of rebound keys.

    `where` says where each stands, `keys.ID` to `FILE:LINE:COLUMN`, as `Settings.where` has it.
    """
    ids = [command.id for command in TABLE]
    found = []
    for command_id in rebound:
        if command_id not in ids:
            file, line, column = [*where.get(f"keys.{command_id}", "").rsplit(":", 2), "0", "0"][:3]
            what = f"there is no command {command_id!r}"
            found.append(
                Problem(file or "keys", int(line), int(column), what, "`?` lists them", closest(command_id, ids))
            )
    return found


_NAMES = {
    "question_mark": "?", "colon": ":", "slash": "/", "asterisk": "*", "tilde": "~", "minus": "-", "escape": "esc",
    "backslash": "\\", "pagedown": "pgdn", "pageup": "pgup", "ctrl+@": "ctrl+space",
    "down": "↓", "up": "↑", "left": "←", "right": "→",
    "plus": "+", "exclamation_mark": "!", "left_square_bracket": "[", "right_square_bracket": "]", "comma": ",",
}  # fmt: skip


def shown(command: Command, rebound: Mapping[str, str]) -> list[str]:
    """Its keys as people write them, after rebinding."""
    return [_NAMES.get(key.strip(), key.strip()) for key in rebound.get(command.id, command.keys).split(",") if key]
