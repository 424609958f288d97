"""What can be done to a host and to a unit, and the shell lines that do it."""

from __future__ import annotations

from shlex import quote

from calmtui.fleet.node import State
from calmtui.providers.base import Action, Danger

REBOOT = Action("reboot", "reboot the host; everything on it is interrupted", Danger.TYPE_NAME)
START = Action("start", "start the unit and what it requires", Danger.NONE, undo="stop", reaches=State.RUNNING)
STOP = Action(
    "stop",
    "stop the unit; it stays stopped until it is started or the host reboots",
    Danger.CONFIRM,
    undo="start",
    reaches=State.STOPPED,
)
RESTART = Action("restart", "stop the unit and start it again", Danger.CONFIRM)
ACTIONS = (REBOOT, START, STOP, RESTART)

UNIT_ACTIONS: dict[str, tuple[str, ...]] = {
    "active": ("restart", "stop"),
    "reloading": ("restart", "stop"),
    "activating": ("restart", "stop"),
    "deactivating": ("start",),
    "inactive": ("start", "restart"),
    "failed": ("start", "restart"),
}
"""By the unit's ActiveState."""

_AS_ROOT = 'if [ "$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi; '
_REBOOT = "if [ -d /run/systemd/system ]; then $as systemctl reboot; else $as reboot; fi"

DENIED = (
    "a password is required",
    "Access denied",
    "uthentication required",
    "ermission denied",
    "must be superuser",
    "not permitted",
    "not in the sudoers",
    "may not run sudo",
)
"""What sudo, systemctl and reboot say when we may not: the beginnings of words are left open."""


def reboot_line() -> str:
    """The line for the host's shell that reboots it."""
    return _AS_ROOT + _REBOOT


def unit_line(action: str, unit: str) -> str:
    """The line that acts on a unit, waits for it, and prints its states (`active`, `running`) one a line."""
    act = f"$as systemctl --no-ask-password {action} -- {quote(unit)}"
    return f"{_AS_ROOT}{act}; status=$?; systemctl show -p ActiveState,SubState --value -- {quote(unit)}; exit $status"


def denied(text: str) -> bool:
    """Whether an error output means that we may not, rather than that it failed."""
    return any(words in text for words in DENIED)
