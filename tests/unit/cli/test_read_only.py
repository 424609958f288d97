"""Read-only: no command changes anything. Every command is classified here; one that is not makes this fail."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from calmtui.cli.app import app
from calmtui.cli.diagnostics import ExitCode, report
from calmtui.estate.model import Estate, SourceSpec
from calmtui.governance import trail
from calmtui.governance.approvals import Standing
from calmtui.governance.record import Event
from calmtui.runbooks.journal import Journal
from calmtui.tui.key_table import TABLE
from tests.tui.governed import asked_by, person
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import Workshop, node

WEB = node("web", actions=("start", "stop", "destroy"), service="shop", env="test", offers=("exec", "shell"))
ID = "REQUEST"
"""Stands for the id of the approval that waits."""

CHANGES = {
    "act": "act stop web --yes",
    "exec": "exec web -- true",
    "shell": "shell web",
    "cp put": "cp put web FILE /tmp/x",
    "run RUNBOOK": "run RUNBOOK tidy --yes",
    "run pause": "run pause 1234",
    "run resume": "run resume 1234",
    "run abort": "run abort 1234",
    "run rollback": "run rollback 1234",
    "run retry": "run retry 1234",
    "run answer": "run answer 1234 size=3",
    "blueprint start": "blueprint start shop test --yes",
    "blueprint stop": "blueprint stop shop test --yes",
    "blueprint restart": "blueprint restart shop test --yes",
    "worker": "worker",
    "approve": f"approve {ID}",
    "reject": f"reject {ID} --reason no",
    "withdraw": f"withdraw {ID}",
    "review": "review 1 --note seen",
}
"""What changes something in the estate or lets it be changed, and how it is called."""
READS = {
    "ls", "show", "runs", "history", "logs", "changes", "pins", "freezes", "approvals", "reviews", "doctor", "run show",
    "blueprint", "blueprint show", "blueprint drift", "blueprint complete", "blueprint diff", "worker status", "cp get",
    "audit", "audit export", "audit verify", "policy check", "policy test", "policy explain",
}  # fmt: skip
"""What changes nothing in the estate; commands among what drift and logs do pass the gate."""
NEITHER = {"demo"}
"""What brings up an estate of its own."""


def commands(group: object = None, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command as it is typed, and every group that does something by itself."""
    command = typer.main.get_command(app) if group is None else group
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path)
        return
    if path and getattr(command, "invoke_without_command", False):
        yield " ".join(path)
    for name, one in below.items():
        yield from commands(one, (*path, name))


def test_every_command_is_known_to_change_something_or_not() -> None:
    known = {*CHANGES, *READS, *NEITHER}
    found = set(commands())
    assert found - known == set(), "say in this file whether it changes anything"
    assert known - found == set(), "there is no such command any more"


GATED = {
    "actions.choose", "plan.confirm", "plan.ask", "plan.break-glass", "outcomes.retry",
    "outcomes.undo",
}  # fmt: skip
"""Keys of the console that lead to the gate, which refuses them (tests/tui/test_matrix.py)."""
HARMLESS = {
    "fleet.logs", "fleet.actions", "fleet.runbooks", "fleet.retry", "plan.back", "ask.back",
    "outcomes.mark", "outcomes.cancel", "runbooks.choose", "start.plan", "runs.runbooks", "exec.sudo", "exec.back",
    "answers.mark", "answers.cancel",
}  # fmt: skip
"""Those that look, mark, lead to a plan, or end what was begun from here."""


def test_every_key_that_acts_is_off_in_a_read_only_console_or_known_to_change_nothing_by_itself() -> None:
    acts = {command.id for command in TABLE if command.group == "Act" and not command.changes}
    assert acts == GATED | HARMLESS


class Shop:
    """An estate where everything is there that commands may change, and others wait for a vote."""

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        tiers = "tiers: {web: {query: name=web, restart: {run: 'true'}}}\nenvironments: {test: {query: env=test}}\n"
        for name, text in (
            ("runbooks/tidy.yaml", "runbook: tidy\nsummary: s\ntargets: name=web\nsteps:\n  - {run: 'true'}\n"),
            ("blueprints/shop.yaml", f"blueprint: shop\nsummary: s\nquery: service=shop\n{tiers}"),
            ("policies/all.cedar", '@id("all") permit (principal, action, resource);\n'),
            ("FILE", "text"),
        ):  # fmt: skip
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        self.begun = 0

        async def deed(_: object) -> str:
            self.begun += 1
            return "0"

        self.source = Workshop(deed)
        self.source.nodes = [WEB]
        self.estate = Estate(
            "shop", (SourceSpec("lab", "workshop", self.source),), read_only=read_only, path=folder / "estate.yaml",
            ledger=folder / "ledger.db", policies=folder / "policies",
        )  # fmt: skip
        self.request = asked_by(self.estate, "anna", WEB)

    def state(self) -> tuple[object, ...]:
        """All that a command may have changed."""
        assert self.estate.ledger is not None
        done = [item.record.event for item in trail.read(self.estate.ledger)]
        with contextlib.closing(sqlite3.connect(self.estate.ledger)) as ledger:
            locks = ledger.execute("select count(*) from locks").fetchone()[0]
        request = person(self.estate, "anna").one(self.request.id)
        changed = [event for event in done if event is not Event.DENIED]
        return self.begun, self.source.acts, changed, locks, request.votes, request.closed, Journal().runs(9)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Shop:
    found = Shop(tmp_path, read_only=request.param == "estate")
    for module in ("calmtui.cli.opened", "calmtui.estate.load"):
        monkeypatch.setattr(f"{module}.load_estate", lambda _: found.estate)
    monkeypatch.chdir(tmp_path)
    if request.param == "environment":
        monkeypatch.setenv("CALMTUI_READ_ONLY", "1")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    return found


def status(*argv: str) -> int:
    """What the program exits with."""
    try:
        app([*argv], standalone_mode=False)
    except BaseException as error:  # as the program itself does
        return report(SystemExit(code)) if (code := getattr(error, "exit_code", None)) is not None else report(error)
    return ExitCode.FINE


@pytest.mark.usefixtures("workshop_provider")
@pytest.mark.parametrize("shop", ["flag", "environment", "estate"], indirect=True)
def test_read_only_refuses_every_command_that_changes_something_and_nothing_is_changed(
    shop: Shop, request: pytest.FixtureRequest
) -> None:
    how = request.node.callspec.params["shop"]
    before = shop.state()
    for name, line in CHANGES.items():
        words = line.replace(ID, shop.request.id).split()
        words = [word for word in words if word != "RUNBOOK"]
        options = ["--read-only"] if how == "flag" else []
        exited = status(*options, "-i", str(shop.estate.path), *words)
        assert exited == ExitCode.REFUSED, f"{name} exits with {exited}"
        assert shop.state() == before, name
    assert person(shop.estate, "anna").one(shop.request.id).standing(0) is Standing.OPEN
