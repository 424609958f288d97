"""The few signs that the screens draw with; plain ASCII where the locale has nothing else."""

from __future__ import annotations

import codecs
import locale
from dataclasses import dataclass

from calmtui.fleet.node import State
from calmtui.fleet.source import Health


@dataclass(frozen=True)
class Glyphs:
    """One set of signs, each a single cell wide."""

    states: dict[State, str]
    healths: dict[Health, str]
    opened: str
    folded: str
    cursor: str
    marked: str
    rule: str
    cut: str
    """In place of what does not fit."""
    dot: str
    """Between parts of a line."""
    late: str
    """Before a log line that came after others that follow it in time."""
    below: str
    """There is more further down."""
    dash: str
    """From one time to another."""
    arrow: str
    """From what was to what is; two cells in ASCII."""
    bars: str
    """Heights of a bar from nothing to the whole cell, nine of them."""
    was: str
    """Before what something was; two cells in ASCII."""
    here: str
    """Where the cursor is, on a line of time."""
    done: str
    """What has ended well."""
    going: str
    """What is under way."""
    fill: str
    """What bars are filled with: ended, failed, under way, not begun."""


UNICODE = Glyphs(
    states={
        State.RUNNING: "●", State.PENDING: "◌", State.STOPPING: "◐", State.STOPPED: "○",
        State.DEGRADED: "▲", State.FAILED: "✖", State.UNKNOWN: "?", State.GONE: "◇",
    },
    healths={
        Health.LIVE: "●", Health.PARTIAL: "◐", Health.CONNECTING: "◌", Health.STALE: "✖", Health.OFF: "○",
    },
    opened="▾", folded="▸", cursor="▌", marked="■", rule="─", cut="…", dot="·", late="↥", below="↓",
    dash="–", arrow="→", was="←", bars=" ▁▂▃▄▅▆▇█", here="┃",
    done="✔", going="▶", fill="█▓▒·",
)  # fmt: skip
ASCII = Glyphs(
    states={
        State.RUNNING: "o", State.PENDING: ".", State.STOPPING: "~", State.STOPPED: "-",
        State.DEGRADED: "!", State.FAILED: "X", State.UNKNOWN: "?", State.GONE: "x",
    },
    healths={
        Health.LIVE: "o", Health.PARTIAL: "~", Health.CONNECTING: ".", Health.STALE: "X", Health.OFF: "-",
    },
    opened="v", folded=">", cursor="|", marked="*", rule="-", cut="~", dot="-", late="^", below="v",
    dash="-", arrow="->", was="<-", bars=" .:-=+*#@", here="|",
    done="+", going=">", fill="#X>.",
)  # fmt: skip


def of_locale() -> Glyphs:
    """The set that the terminal's encoding can show."""
    try:
        encoding = codecs.lookup(locale.getpreferredencoding(False)).name
    except LookupError:
        return ASCII
    return UNICODE if encoding == "utf-8" else ASCII
