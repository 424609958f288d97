"""Brings the demo up and takes it down: two child processes, a scratch folder, an estate file."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import calmtui
from calmtui.errors import CalmError
from calmtui.estate.discover import discover

PATIENCE = 60.0
"""Seconds for the servers to come up; they need about 5, more on a busy machine."""
_MACHINE_PROVIDERS = ("docker", "kubernetes")
"""Of these the demo shows what the machine has."""


@dataclass(frozen=True)
class DemoEstate:
    """The demo while it is up."""

    path: Path
    """The estate file to open."""
    folder: Path
    """Scratch: keys, ssh_config, the homes of the hosts, the console's state. Removed at the end."""
    environment: Mapping[str, str]
    """What the placeholders of the estate file stand for."""


@contextlib.contextmanager
def up(*, machine: bool = True) -> Iterator[DemoEstate]:
    """Bring the demo up for as long as the block lasts. Raises CalmError when it cannot.

    `machine`: add the Docker engine and the Kubernetes contexts of this machine. Within the block
    the environment holds what the estate file's placeholders stand for, and a state folder that
    goes with the demo, so that the console does not remember it.
    """
    _need_moto()
    folder = Path(tempfile.mkdtemp(prefix="calmtui-demo-"))
    children: list[_Child] = []
    try:
        children = [_Child("hosts", folder), _Child("cloud", folder)]
        deadline = time.monotonic() + PATIENCE
        environment = {name: value for child in children for name, value in child.ready(deadline).items()}
        with _environment({**environment, "XDG_STATE_HOME": str(folder / "state")}):
            yield DemoEstate(_estate_file(folder, machine=machine), folder, environment)
    finally:
        for child in children:
            child.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _need_moto() -> None:
    from importlib.util import find_spec

    if find_spec("moto") is None:
        raise CalmError("the demo's EC2 is moto, which is not installed", next_step="pip install 'calmtui[demo]'")


class _Child:
    """One of the two server processes. It ends when its standard input does, so also when we are killed."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._errors = folder / f"{name}.err"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 -- ourselves
                [sys.executable, "-m", f"calmtui.demo.{name}", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C in the terminal is the console's
            )

    def ready(self, deadline: float) -> dict[str, str]:
        """Wait until it is up; the environment variables that it tells."""
        assert self._process.stdout is not None
        said = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not said.endswith(b"ready\n"):
                if not selector.select(deadline - time.monotonic()):
                    raise CalmError(f"its {self._name} did not come up in {PATIENCE:.0f} s", where="demo")
                new = os.read(self._process.stdout.fileno(), 4096)
                if not new:
                    told = self._errors.read_text(errors="replace").strip().splitlines()
                    raise CalmError(f"its {self._name} ended: {told[-1] if told else 'no word'}", where="demo")
                said += new
        return dict(line.split("=", 1) for line in said.decode().splitlines() if "=" in line)

    def end(self) -> None:
        """Let it go, and make sure that it has gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def _estate_file(folder: Path, *, machine: bool) -> Path:
    """The demo's own estate file, or a copy of it with what this machine has besides."""
    declared = _inventory() / "demo" / "estate.yaml"
    found = _found_on_this_machine() if machine else {}
    if not found:
        return declared
    import yaml

    estate = yaml.safe_load(declared.read_text())
    estate["sources"] |= {f"{name}-here" if name in estate["sources"] else name: found[name] for name in found}
    path = folder / "estate.yaml"
    path.write_text(yaml.safe_dump(estate, sort_keys=False, allow_unicode=True))
    for beside in filter(Path.is_dir, declared.parent.iterdir()):
        (folder / beside.name).symlink_to(beside)
    return path


def _found_on_this_machine() -> dict[str, dict[str, Any]]:
    """Sources by name, as they would stand in an estate file; those that are not suggested are off."""
    return {
        found.name: {"provider": found.provider, "enabled": found.discovered.suggested, **found.discovered.options}
        for found in discover()
        if found.provider in _MACHINE_PROVIDERS and not found.error
    }


def _inventory() -> Path:
    """The folder of estates, which lies beside the package in the repository and inside it once installed."""
    package = Path(calmtui.__file__).parent
    return next(folder for folder in (package / "inventory", package.parent / "inventory") if folder.is_dir())
