"""Commands that are not the machine's own on a demo host: who it is, and what would stop the machine.

A demo host shares the machine with the console. `reboot` there must not reboot it, and `systemctl`
must not restart its services; so these come first in the PATH of every host.
"""

from __future__ import annotations

import re
from pathlib import Path

REBOOT_FILE = ".reboot"
"""In a host's folder: made when it is asked to reboot."""

_REBOOT = 'echo "$DEMO_HOST is going down for reboot" >&2; : > "$HOME/.reboot"\n'
_NEVER = 'echo "$(basename "$0"): a demo host shares your machine: not done" >&2; exit 1\n'
_COMMANDS = {
    "hostname": 'case "$1" in -I | -i) echo "$DEMO_ADDRESS" ;; *) echo "$DEMO_HOST" ;; esac\n',
    "uname": '/usr/bin/uname "$@" | sed "s/$(/usr/bin/uname -n)/$DEMO_HOST/"\n',
    "reboot": _REBOOT,
    "shutdown": 'case " $* " in *" -r "*) ;; *) ' + _NEVER.strip() + ";; esac\n" + _REBOOT,
    "poweroff": _NEVER,
    "halt": _NEVER,
    "init": _NEVER,
    "telinit": _NEVER,
    "kexec": _NEVER,
    # Whatever it is told to run is run without more rights; its own options are skipped.
    "sudo": 'while :; do case "$1" in -u|-g) shift 2;; -*) shift;; *) break;; esac; done; exec "$@"\n',
}
_SCRIPTS = {name: Path(__file__).with_name(f"{name}.sh") for name in ("systemctl", "journalctl")}
_ABSOLUTE = re.compile(rf"(?<![\w.-])(?:/usr)?/s?bin/(?=(?:{'|'.join([*_COMMANDS, *_SCRIPTS])})\b)")


def install(folder: Path) -> None:
    """Write the commands into a folder, which is to be the first in PATH."""
    folder.mkdir()
    scripts = {name: f"#!/bin/sh\n{body}" for name, body in _COMMANDS.items()}
    scripts |= {name: path.read_text() for name, path in _SCRIPTS.items()}
    for name, text in scripts.items():
        path = folder / name
        path.write_text(text)
        path.chmod(0o755)


def by_name(command: str) -> str:
    """A command line in which the replaced commands are called by name even where a full path was given."""
    return _ABSOLUTE.sub("", command)
