"""Fewer bytes for the same picture: of colours and attributes only what differs is sent.

Textual switches everything off after each piece of a line and on again before the next: 40 bytes for
every word on a true-colour terminal, which a slow line has to carry with every key.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste
from textual.message import Message

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp


class ThinDriver(LinuxDriver):
    """Textual's driver of a terminal, sending less."""

    def process_message(self, message: Message) -> None:
        """Hand on what was typed, from the thread that reads it: from now on work gives way to it."""
        if isinstance(message, Key | Paste):
            cast("CalmApp", self._app).pace.pressed()
        super().process_message(message)

    def write(self, data: str) -> None:
        """Send it."""
        super().write(thin(data))


class Look(NamedTuple):
    """How a terminal draws what it gets: codes of SGR, as ECMA-48 and xterm have them."""

    on: frozenset[str] = frozenset()
    """Attributes: `1` is bold."""
    ink: str = "39"
    ground: str = "49"


NOTHING = Look()
"""As each write of Textual's finds the terminal, and leaves it."""
_SGR = re.compile(r"\x1b\[([\d;]*)m")
_CODE = re.compile(r"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+")
_INK = re.compile(r"38;.*|3[0-79]|9[0-7]")
_GROUND = re.compile(r"48;.*|4[0-79]|10[0-7]")
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}
"""What switches an attribute off; the others are left to a reset."""
_MOVES = re.compile(r"(?:\x1b\[\d*;?\d*H|[\r\n])*")
"""What looks the same whatever is switched on."""


def thin(data: str) -> str:
    """The same for a terminal, in fewer bytes."""
    first, *rest = _SGR.split(data)
    thinned = [first]
    now = want = NOTHING
    for codes, text in zip(rest[::2], rest[1::2], strict=True):
        want = _after(want, codes)
        if not _MOVES.fullmatch(text):
            thinned.append(_difference(now, want))
            now = want
        thinned.append(text)
    thinned.append(_difference(now, want))
    return "".join(thinned)


@lru_cache(maxsize=4096)
def _after(look: Look, codes: str) -> Look:
    for code in _CODE.findall(codes or "0"):
        if code == "0":
            look = NOTHING
        elif _INK.fullmatch(code):
            look = look._replace(ink=code)
        elif _GROUND.fullmatch(code):
            look = look._replace(ground=code)
        else:
            look = look._replace(on=look.on | {code})
    return look


@lru_cache(maxsize=4096)
def _difference(now: Look, want: Look) -> str:
    """What makes the one of the other."""
    if want == now:
        return ""
    off = {_OFF.get(code, "0") for code in now.on - want.on}
    if "0" in off or want == NOTHING:
        off, now = {"0"}, NOTHING
    elif "22" in off:
        now = now._replace(on=now.on - {"1", "2"})  # it ends both
    colours = [code for code, was in ((want.ink, now.ink), (want.ground, now.ground)) if code != was]
    return f"\x1b[{';'.join([*off, *sorted(want.on - now.on), *colours])}m"
