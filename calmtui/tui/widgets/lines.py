"""Names and what stands behind them, as text that goes on under itself where it is longer than a line."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from calmtui.governance.told import Line

LEAST = 20
"""Columns that are left for what is said, however narrow the screen."""


def laid_out(lines: Sequence[Line], width: int, quiet: Style | None) -> Text:
    """The lines within a width; the names are quiet."""
    indent = max((len(name) for name, _ in lines), default=0) + 2
    text = Text()
    for name, said in lines:
        first, *rest = textwrap.wrap(said, max(width - indent, LEAST)) or [""]
        text.append(name.ljust(indent), quiet or "").append(f"{first}\n")
        text.append("".join(f"{' ' * indent}{more}\n" for more in rest))
    return text
