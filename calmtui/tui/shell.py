"""A shell on a node, in this terminal: the console steps aside and comes back intact. `calmtui shell` uses it too."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from calmtui import sanitise
from calmtui.actions.deed import Deed
from calmtui.actions.execute import unopened
from calmtui.actions.outcome import Outcome, Status
from calmtui.errors import CalmError
from calmtui.fleet.link_index import MACHINES
from calmtui.governance.record import Event
from calmtui.providers.base import Danger, Shell, ShellChannel

if TYPE_CHECKING:  # the command line opens shells without textual
    from calmtui.actions.admission import Admission
    from calmtui.estate.live import LiveEstate
    from calmtui.fleet.node import Node
    from calmtui.tui.app import CalmApp

log = logging.getLogger(__name__)

RESET = "\x1b[!p\x1b[0m\x1b[?25h\x1b[?1000;1002;1003;1004;1006;2004l\x1b[?1049l"
"""What puts right what programs of the shell may have left behind: colours, a hidden cursor, mouse reports, pastes
in brackets, the other screen."""


async def open_shell(app: CalmApp, live: LiveEstate, node: Node) -> None:
    """Open a shell on the node (of an instance: on its host) and give it the terminal until it ends.

    For a worker: the app must go on meanwhile, so that a password can be asked for. It goes on
    gathering and paints nothing. What came of the shell is said in the footer.
    """
    from calmtui.tui.screens.refused import admitted  # the command line opens shells without textual

    try:
        place, note = shell_node(live, node)
        deed = shell_deed(place)

        def admit(emergency: str) -> Coroutine[Any, Any, Admission]:
            return app.gate.admit(deed, break_glass=bool(emergency), reason=emergency)

        admission = await admitted(app, app.gate, deed, admit)
        if admission is None:
            return
        async with admission:
            channel = await channel_to(live, place, app.size.width, app.size.height)
            with app.batch_update(), app.suspend():  # without the batch, repaints would fill the stopped writer's queue
                news, trouble = await _attached(channel, place, greeting(place, note, admission.broken))
            admission.note(Outcome(place, Status.FAILED if trouble else Status.OK, news))
    except Exception as error:  # noqa: BLE001 -- the worker's last place to tell it
        app.say(_told(error, node), trouble=True)
    else:
        app.say(news, trouble=trouble)


def shell_deed(place: Node) -> Deed:
    """A shell, as the gate judges and records it."""
    sentences = ["an interactive shell"]
    return Deed("shell", [place], sentences, Danger.CONFIRM, event=Event.SHELL, whole=True, exclusive=False)


async def _attached(channel: ShellChannel, node: Node, greet: str) -> tuple[str, bool]:
    """What to say afterwards, and whether it is trouble: an error now would leave the console aside for ever."""
    try:
        status = await attach(channel, greet)
    except Exception as error:  # noqa: BLE001 -- see above
        return _told(error, node), True
    return f"the shell on {node.name} has ended{f' with exit {status}' if status else ''}", False


def _told(error: Exception, node: Node) -> str:
    """An error as an operator is told it; one of ours goes to the log as well."""
    if isinstance(error, CalmError):
        return str(error)
    log.error("shell on %s", node.id, exc_info=error)
    return f"internal error: {type(error).__name__}: {error}; calmtui's log file has the details"


def shell_node(live: LiveEstate, node: Node) -> tuple[Node, str]:
    """Where a shell for a node opens, and why there if it is another node. Raises CalmError when nowhere."""
    if live.able(node, Shell) is not None:
        return node, ""
    link = live.links.host_of(node)
    if link is not None and live.able(link.node, Shell) is not None:
        return link.node, f"the host of {node.name}: {link.told}"
    if live.source(node) is None:
        raise unopened(live, node)
    state = node.raw_state or node.state.value
    missing = "no SSH host of the estate is known to be it" if node.kind in MACHINES else ""
    raise CalmError(f"no shell can be opened on a {node.kind} that is {state}", where=node.name, next_step=missing)


async def channel_to(live: LiveEstate, node: Node, columns: int, rows: int) -> ShellChannel:
    """A shell on a node that `shell_node` found. Raises SourceError."""
    source = live.able(node, Shell)
    if source is None:
        raise unopened(live, node)
    return await source.shell(node, term=os.environ.get("TERM", "xterm"), columns=columns, rows=rows)


def greeting(node: Node, note: str, broken: str = "") -> str:
    """The line above the shell: where it is, and how to leave it when it hangs; `broken`: why the glass was broken."""
    loud = f"-- BREAK-GLASS: {sanitise.word(broken)}; it is recorded and reviewed --\n" if broken else ""
    return f"{loud}-- shell on {node.name} ({node.id}){f', {note}' if note else ''}; if it hangs: Enter ~ . --"


CLOSE_SECONDS = 3.0
"""How long to wait for the far side to end the shell, before it is left to itself."""


async def attach(channel: ShellChannel, greet: str) -> int | None:
    """Connect the terminal with a shell until it ends or is left; its exit status, where there is one.

    Raises SourceError when the connection broke. The terminal is as before in any case.
    """
    keyboard, screen = sys.__stdin__.fileno(), sys.__stdout__.fileno()  # type: ignore[union-attr]  # a terminal's
    left = asyncio.get_running_loop().create_future()
    escape = Escape()

    def typed() -> None:
        data, leave = escape.feed(os.read(keyboard, 65536))
        if data:
            channel.write(data)
        if leave and not left.done():
            left.set_result(None)

    def resized() -> None:
        channel.resize(*os.get_terminal_size(screen))

    os.write(screen, f"{greet}\n".encode())
    shown = asyncio.create_task(_show(channel, screen))
    try:
        with _raw(keyboard, screen, typed, resized):
            resized()
            await asyncio.wait({shown, left}, return_when=asyncio.FIRST_COMPLETED)
        if shown.done():
            await shown
        async with asyncio.timeout(CLOSE_SECONDS):
            return await channel.close()
    except TimeoutError:  # it hung: that is why it was left
        return None
    finally:
        shown.cancel()


@contextmanager
def _raw(keyboard: int, screen: int, typed: Callable[[], None], resized: Callable[[], None]) -> Iterator[None]:
    """Every key and every change of size is told as it comes; afterwards the terminal is as before."""
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(keyboard)
    tty.setraw(keyboard)
    loop.add_reader(keyboard, typed)
    loop.add_signal_handler(signal.SIGWINCH, resized)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)
        os.write(screen, f"{RESET}\n".encode())


async def _show(channel: ShellChannel, screen: int) -> None:
    """What the far side prints, as it is: this terminal is its terminal now."""
    while data := await channel.read():
        while data:
            written = await asyncio.to_thread(os.write, screen, data)  # a stopped terminal stops nothing else
            data = data[written:]


class Escape:
    """Finds `~.` at the beginning of a line in what is typed, as OpenSSH's client does."""

    def __init__(self) -> None:
        self._state = "start"

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What to send on, and whether the shell is to be left. The end of input leaves it too."""
        if not data:
            return b"", True
        sent = bytearray()
        for byte in data:
            if self._state == "tilde":
                if byte == ord("."):
                    return bytes(sent), True
                if byte != ord("~"):  # two of them are one, for a shell within a shell
                    sent.append(ord("~"))
            elif self._state == "start" and byte == ord("~"):
                self._state = "tilde"
                continue
            sent.append(byte)
            self._state = "start" if byte in b"\r\n" else "within"
        return bytes(sent), False
