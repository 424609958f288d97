"""`ansible`: a playbook on the nodes of a batch, through ansible-runner, its tasks as progress of each node."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from calmtui import masks, sanitise
from calmtui.actions.outcome import Status
from calmtui.actions.said import Said
from calmtui.fleet.moment import seconds
from calmtui.providers.base import Danger, Output
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Names, Strict, Value
from calmtui.runbooks.steps import commands
from calmtui.runbooks.steps.inventory import Inventory
from calmtui.runbooks.steps.playbook import played
from calmtui.runbooks.steps.playbook_files import used_by
from calmtui.runbooks.steps.played import Played
from calmtui.runbooks.steps.step import Effect, OnceStep, Result, Stopped

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.runbooks.plan import PlannedNode
    from calmtui.runbooks.steps.doing import Batch

LOOK = 0.5
"""Seconds between two notes of how far the nodes have come."""


class Playbook(Strict):
    """A playbook, and what it is told."""

    playbook: str
    """Its file, relative to the estate. An `ansible.cfg`, `group_vars` and roles beside it hold as they do for
    `ansible-playbook` in its folder; the inventory is made of the nodes of the batch. The plan binds it with them."""
    extra_vars: dict[str, JsonValue] = {}
    """Variables for it, secrets too: `{version: "{{ version }}"}`. They are texts, as with `-e NAME=VALUE`, and
    travel in a file of this user alone."""
    env: dict[str, Value] = {}
    """Environment of `ansible-playbook` here, not on the nodes; secrets may stand in it."""
    groups: Names = []
    """The groups of the inventory in which the nodes are, for a playbook that asks for them. `all` is always one."""
    tags: Names = []
    """Only the tasks with these tags."""
    skip_tags: Names = []
    """Without the tasks with these tags."""
    check: bool = False
    """Only say what it would change, as `ansible-playbook --check` does."""
    timeout: Length | None = None
    """After how long it is ended, and has failed. Unset: no limit."""


class AnsibleStep(OnceStep):
    """A playbook on the nodes of a batch, once for all of them when they have come so far; each has its own outcome.

    Hosts are reached with OpenSSH as calmtui reaches them: the same ssh_config, user, port, keys and jump hosts; host
    keys are always verified. `ansible-playbook` has to be on this machine.
    """

    ansible: Playbook
    """The playbook."""
    repeatable: bool = False
    """Whether playing it again is harmless, should it not be known how far it came."""

    @property
    def per_node(self) -> bool:
        """Each has what the playbook came to on it."""
        return True

    def files(self) -> tuple[str, ...]:
        """The playbook."""
        return (self.ansible.playbook,)

    def beside(self, file: Path) -> Sequence[Path]:
        """Its roles, variables, templates and plugins, and the files that they name."""
        return used_by(file)

    def said(self, filled: Mapping[str, str]) -> str:
        """The command as one would type it, secrets masked."""
        book = self.ansible
        given = [f"-e {name}={value}" for name, value in template.deep(book.extra_vars, filled).items()]
        given += [f"--tags {','.join(book.tags)}"] * bool(book.tags)
        given += [f"--skip-tags {','.join(book.skip_tags)}"] * bool(book.skip_tags)
        given += ["--check"] * book.check
        return " ".join(["ansible-playbook", template.text(book.playbook, filled), *given])

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """A playbook runs commands, which may do anything."""
        return Effect(Danger.NONE if self.ansible.check else Danger.CONFIRM, frozenset({"exec"}))

    async def do_once(self, batch: Batch) -> Result:
        """Play it on the nodes of which it is not known that it may have happened."""
        nodes = await self._ready(batch)
        inventory = Inventory(self.ansible.groups)
        for planned in nodes:
            if trouble := inventory.add(batch.live, planned):
                await batch.note(planned.id, Status.FAILED, trouble)
        if not inventory.nodes:
            return Result(Status.FAILED, "none of the nodes can be reached with ansible") if nodes else _counted(batch)
        came = Played(inventory.nodes)
        said = Said(commands.KEPT, lambda: commands.new_folder(batch.account.folder))
        for node_id in inventory.ids:
            await batch.note(node_id, Status.RUNNING)
        try:
            async with asyncio.timeout(seconds(self.ansible.timeout) if self.ansible.timeout else None):
                await self._play(batch, inventory, came, said)
        except TimeoutError:
            return Result(Status.FAILED, f"ended after {self.ansible.timeout}")
        except asyncio.CancelledError:
            if await batch.account.cancelled():
                raise Stopped(Result(Status.UNKNOWN, "cancelled: the playbook was ended on the way")) from None
            raise
        finally:
            said.close()
        return await self._ended(batch, inventory, came, said)

    async def _ready(self, batch: Batch) -> list[PlannedNode]:
        """The nodes on which it is to be played; where it may have happened already, that is noted."""
        ready = []
        for planned in batch.nodes:
            if batch.account.progress.step(planned.id, batch.step.key) is None or self.repeatable:
                ready.append(planned)
            else:
                text = "it was interrupted: the playbook may have done all of it, or a part"
                await batch.note(planned.id, Status.UNKNOWN, text)
        return ready

    async def _play(self, batch: Batch, inventory: Inventory, came: Played, said: Said) -> None:
        """Play it to its end, and note twice a second how far each of the nodes has come."""
        secrets = [batch.filled[name] for name in batch.step.secrets]
        fresh: set[str] = set()
        over = asyncio.Event()

        async def keep_noting() -> None:
            while not over.is_set():
                hosts = [fresh.pop() for _ in range(len(fresh))]
                notes = [batch.note(node_id, Status.RUNNING, came.hosts[host].now, _safe(came.hosts[host].output))
                         for host in hosts for node_id in inventory.nodes[host]]  # fmt: skip
                await asyncio.gather(*notes)
                await asyncio.sleep(LOOK)

        noting = asyncio.create_task(keep_noting(), name="progress of a playbook")
        try:
            wanted = await self._wanted(batch, inventory)
            async with aclosing(played(wanted, batch.account.folder)) as events:
                async for line in events:
                    event = masks.without(line, secrets)
                    said.add(Output(f"{event['text']}\n".encode())) if event.get("text") else None
                    if (host := came.take(event)) is not None:
                        fresh.add(host)
        finally:
            over.set()
            noting.cancel()
            await asyncio.gather(noting, return_exceptions=True)

    async def _wanted(self, batch: Batch, inventory: Inventory) -> dict[str, Any]:
        """What ansible-runner is asked to play. Raises CalmError."""
        book = self.ansible
        path = await batch.file(template.text(book.playbook, batch.filled))
        return {
            "playbook": str(path), "project_dir": str(path.parent), "inventory": inventory.declared,
            "extravars": template.deep(book.extra_vars, batch.filled),
            "envvars": {name: template.text(value, batch.filled) for name, value in book.env.items()},
            "tags": ",".join(book.tags), "skip_tags": ",".join(book.skip_tags),
            "cmdline": "--check" if book.check else None, "forks": min(max(len(inventory.nodes), 5), 64),
        }  # fmt: skip

    async def _ended(self, batch: Batch, inventory: Inventory, came: Played, said: Said) -> Result:
        """Note what has come of it on each of the nodes."""
        output = "\n".join(said.lines()[-commands.SHOWN :])
        broken = Result(Status.UNKNOWN, f"the playbook came to no end: {came.trouble or said.last_line(failed=False)}")
        if not came.began:
            return Result(Status.FAILED, came.trouble or said.last_line(failed=False) or "ansible did nothing", output)
        notes = []
        for host, ids in inventory.nodes.items():
            result = came.result(host, check=self.ansible.check) or broken
            why = "repeated, which is harmless; " if batch.before is not None else ""
            notes += [batch.note(node_id, result.status, why + result.detail, _safe(result.output)) for node_id in ids]
        await asyncio.gather(*notes)
        return _counted(batch, output)


def _counted(batch: Batch, output: str = "") -> Result:
    """How many nodes came to what; the step as a whole has gone well when it has come to its end."""
    from calmtui.runbooks.progress import tally  # which knows of plans, and they of steps

    events = (batch.account.progress.step(node.id, batch.step.key) for node in batch.nodes)
    return Result(Status.OK, tally(event.status for event in events if event is not None), output)


def _safe(output: str) -> str:
    return "\n".join(sanitise.line(line) for line in output.splitlines())
