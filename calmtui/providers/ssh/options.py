"""The settings of an SSH source in an estate file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from calmtui.errors import UsageError
from calmtui.fleet import hostset


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | Path) else value


def _unfolded(text: str) -> str:
    try:
        hostset.expand(text)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return text


HostSet = Annotated[str, AfterValidator(_unfolded)]


class SshOptions(BaseModel):
    """Hosts that are reached as the operator's own `ssh` would reach them."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    hosts: Annotated[list[HostSet], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
    """Names as `ssh` takes them, in host sets such as `web-[001-064,!013]`; one or a list."""
    ssh_config: Path | None = None
    """Takes the place of `~/.ssh/config` and `/etc/ssh/ssh_config`, as `ssh -F` does."""
    user: str | None = None
    """Log in as this user; unset: what ssh_config says, else the local user's name."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Unset: what ssh_config says, else 22."""
    identity: Annotated[list[Path], BeforeValidator(_listed, json_schema_input_type=Path | list[Path])] = []
    """Private key or keys to offer before those of ssh_config."""
    proxy_jump: str | None = None
    """Reach the hosts through `[user@]host[:port]`, several separated by commas; unset: what ssh_config says."""
    known_hosts: Path | None = None
    """File of the trusted host keys; unset: those of ssh_config. Unknown and changed keys are always refused."""
    password: bool = False
    """Ask for a password where a host accepts no key. It is kept in memory only, and asked for once each host."""
    logs: Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])] = []
    """Log files of each host, absolute paths or shell patterns: `/var/log/app/*.log`. None: the system's journal."""
    units: Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])] | None = None
    """Patterns of the systemd units to show, `!` before one leaves it out: `["app-*", "!app-debug*"]`.

    Unset: services that run and are not systemd's own. Failed units are always shown; an empty list shows no others."""
    interval: float = Field(default=30, ge=2, le=3600)
    """Seconds between two looks at the facts and units of a host."""
    connect_timeout: float = Field(default=15, ge=1, le=20)
    """Seconds for a host to answer and let us in."""
