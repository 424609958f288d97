"""What an import costs is what it loads: read in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"boto3", "botocore", "docker", "kubernetes", "asyncssh", "pydantic", "sqlite_utils", "textual", "lark", "yaml"}


def loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_help_of_the_program_loads_no_sdk_no_screen_and_no_parser() -> None:
    code = "from calmtui.cli.app import app\ntry: app(['--help'])\nexcept SystemExit: pass"
    assert not loaded(code) & HEAVY


@pytest.mark.parametrize("module", ["calmtui", "calmtui.providers", "calmtui.fleet.fleet", "calmtui.actions.execute"])
def test_the_core_loads_no_sdk_and_no_screen(module: str) -> None:
    assert not loaded(f"import {module}") & HEAVY


def test_the_shell_of_the_command_line_does_without_textual() -> None:
    assert "textual" not in loaded("import calmtui.tui.shell")
