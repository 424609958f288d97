"""The colours of log lines, taken from the theme that is in force."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget

from calmtui.tui.widgets.log_row import Styles

NAME_COLOURS = (
    ("#56b4e9", "#00608f"),
    ("#e69f00", "#8a5f00"),
    ("#3fbf9b", "#00664b"),
    ("#cc79a7", "#96406e"),
    ("#f0e442", "#6e6600"),
    ("#8fa8ff", "#3547a5"),
    ("#b5d66b", "#4f6b0c"),
    ("#d6b28a", "#75512a"),
)
"""For nodes' names, on dark and on light ground: Okabe and Ito's colours, told apart by colour-blind eyes too, and
three more. Their vermilion is left out: it is too near to an error's."""


def styles(widget: Widget) -> Styles:
    """What the theme says for a widget that has the component classes `log--…`, on the widget's ground."""
    ground = widget.rich_style

    def of(name: str) -> Style:
        return ground + widget.get_component_rich_style(f"log--{name}")

    side = 0 if widget.app.current_theme.dark else 1
    return Styles(
        text=ground, time=of("time"), quiet=of("quiet"), warn=of("warn"), error=of("error"), note=of("note"),
        trouble=of("trouble"), match=widget.get_component_rich_style("log--match"), cursor=of("cursor"),
        names=[ground + Style(color=pair[side]) for pair in NAME_COLOURS],
    )  # fmt: skip
