"""`calmtui cp` on real hosts and containers: whole or not at all, with modes, checked."""

from __future__ import annotations

import dataclasses
import os
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from calmtui import providers
from calmtui.actions.copy import get, get_deed, pack, put, put_deed
from calmtui.actions.deed import Deed
from calmtui.actions.execute import Execution
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.fleet.node import Node
from tests.integration.program import run, write_estate
from tests.lab.docker import DockerEngine
from tests.lab.fleet import SshFleet

pytestmark = pytest.mark.lab


async def done(live: LiveEstate, deed: Deed, execution: Execution) -> list[Outcome]:
    """What comes of a copy that the gate has let through."""
    execution.admit(await Gate(live, read_only=False, through="command").admit(deed))
    return await execution.run()


@pytest.fixture
def estate(tmp_path: Path, ssh_fleet: SshFleet) -> str:
    hosts = f"{{provider: ssh, hosts: 'web-[017-018]', ssh_config: {ssh_fleet.ssh_config}, interval: 3600}}"
    return str(write_estate(tmp_path, f"name: lab\nsources:\n  hosts: {hosts}\n"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a large file, a program and a link."""
    folder = tmp_path / "app"
    (folder / "bin").mkdir(parents=True)
    (folder / "data").write_bytes(os.urandom(900_000))
    (folder / "bin" / "go").write_text("#!/bin/sh\necho went\n")
    (folder / "bin" / "go").chmod(0o750)
    (folder / "bin" / "link").symlink_to("go")
    return folder


def home(ssh_fleet: SshFleet, name: str) -> Path:
    """What the host sees as /root."""
    return ssh_fleet.folder / "hosts" / name / "root"


@asynccontextmanager
async def connected(ssh_fleet: SshFleet, name: str) -> AsyncIterator[tuple[LiveEstate, Node]]:
    options = providers.load("ssh").options()(hosts=[name], ssh_config=ssh_fleet.ssh_config)
    async with LiveEstate(Estate("lab", (SourceSpec("hosts", "ssh", options),))) as live:
        await live.gatherer.settled(60)
        yield live, live.fleet.nodes[f"ssh:hosts/{name}"]


def unmoved(node_id: str, count: int) -> None:
    """Who wants to know how far it is."""


def test_a_folder_goes_to_every_host_and_comes_back_the_same(
    estate: str, folder: Path, ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    ran = run("-i", estate, "cp", "put", "kind=host", str(folder), "/root/")
    assert (ran.status, ran.out.count("ok ")) == (0, 2), ran
    for name in ("web-017", "web-018"):
        there = home(ssh_fleet, name) / "app"
        assert (there / "data").read_bytes() == (folder / "data").read_bytes()
        assert (there / "bin" / "go").stat().st_mode & 0o777 == 0o750
        assert (there / "bin" / "link").readlink() == Path("go")
        assert not list(home(ssh_fleet, name).glob(".calmtui*"))

    ran = run("-i", estate, "cp", "get", "kind=host", "/root/app", str(tmp_path / "got"), "--json")
    assert (ran.status, [one["status"] for one in ran.json["outcomes"]]) == (0, ["ok", "ok"])
    back = tmp_path / "got" / "web-018" / "app"
    assert (back / "data").read_bytes() == (folder / "data").read_bytes()
    assert (back / "bin" / "go").stat().st_mode & 0o777 == 0o750
    assert sorted(path.name for path in (tmp_path / "got").iterdir()) == ["web-017", "web-018"]


def test_read_only_puts_nothing_and_gets_all_the_same(
    estate: str, folder: Path, ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    (home(ssh_fleet, "web-017") / "motd").write_text("hello")
    assert run("-i", estate, "--read-only", "cp", "put", "web-017", str(folder / "data"), "/root/ro").status == 3
    assert not (home(ssh_fleet, "web-017") / "ro").exists()
    assert run("-i", estate, "--read-only", "cp", "get", "web-017", "/root/motd", str(tmp_path / "got")).status == 0
    assert (tmp_path / "got" / "web-017" / "motd").read_text() == "hello"


async def test_what_arrives_damaged_changes_nothing(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    (home(ssh_fleet, "web-017") / "conf").write_text("old")
    (tmp_path / "conf").write_text("new")
    packed = dataclasses.replace(pack(tmp_path / "conf", tmp_path), sha256="0" * 64)
    async with connected(ssh_fleet, "web-017") as (live, node):
        copying = put(live, [node], packed, "/root/conf", moved=unmoved)
        [outcome] = await done(live, put_deed([node], packed, "/root/conf"), copying)
    assert outcome.status is Status.FAILED
    assert "nothing was changed" in outcome.detail
    assert (home(ssh_fleet, "web-017") / "conf").read_text() == "old"
    assert not list(home(ssh_fleet, "web-017").glob(".calmtui*"))


async def test_what_a_host_sends_stays_within_its_folder(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    """A host in bad hands: its `tar` packs a file that would land beside the folder."""
    evil = ssh_fleet.bin_folder("web-018") / "evil.tar"
    with tarfile.open(evil, "w") as archive:
        archive.add(__file__, "../../escaped")
    tar = ssh_fleet.bin_folder("web-018") / "tar"
    tar.write_text(f"#!/bin/sh\nexec cat {evil}\n")
    tar.chmod(0o755)
    got = tmp_path / "a" / "got"
    got.mkdir(parents=True)
    try:
        async with connected(ssh_fleet, "web-018") as (live, node):
            copying = get(live, [node], "/root", got, moved=unmoved)
            [outcome] = await done(live, get_deed([node], "/root"), copying)
    finally:
        tar.unlink()
    assert outcome.status is Status.FAILED
    assert "cannot be unpacked" in outcome.detail
    assert not list(tmp_path.rglob("escaped*"))


async def test_how_far_it_is_is_told_in_bytes(ssh_fleet: SshFleet, folder: Path, tmp_path: Path) -> None:
    told: list[int] = []
    packed = pack(folder / "data", tmp_path)
    async with connected(ssh_fleet, "web-017") as (live, node):
        copying = put(live, [node], packed, "/root/told", moved=lambda _, count: told.append(count))
        [outcome] = await done(live, put_deed([node], packed, "/root/told"), copying)
    assert outcome.status is Status.OK
    assert sum(told) == 900_000
    assert len(told) > 5


@pytest.fixture
def box(docker_engine: DockerEngine) -> Iterator[str]:
    docker_engine.cli("rm", "-f", "cp-box", check=False)
    docker_engine.run("cp-box")
    yield "cp-box"
    docker_engine.cli("rm", "-f", "cp-box")


def test_a_container_takes_and_gives_files(box: str, docker_engine: DockerEngine, folder: Path, tmp_path: Path) -> None:
    estate = write_estate(tmp_path, f'name: lab\nsources:\n  e: {{provider: docker, host: "{docker_engine.host}"}}\n')
    assert run("-i", str(estate), "cp", "put", f"name={box}", str(folder), "/srv").status == 0
    assert docker_engine.cli("exec", box, "/srv/bin/go") == "went"
    assert run("-i", str(estate), "cp", "get", f"name={box}", "/srv/data", str(tmp_path / "got")).status == 0
    assert (tmp_path / "got" / box / "data").read_bytes() == (folder / "data").read_bytes()
