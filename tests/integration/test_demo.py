"""The demo comes up by itself, behaves like an estate, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncssh
import boto3
import pytest

from calmtui import demo
from calmtui.demo.population import HOSTS, MACHINES
from calmtui.errors import CalmError
from calmtui.estate import folders
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_file
from calmtui.fleet.node import State
from calmtui.fleet.source import Health
from tests.integration.program import run
from tests.integration.test_runs import end_worker
from tests.lab.place import descendants


@pytest.fixture(scope="module")
def estate() -> Iterator[demo.DemoEstate]:
    with demo.up(machine=False) as running:
        yield running


@contextlib.asynccontextmanager
async def ssh(estate: demo.DemoEstate, host: str) -> AsyncIterator[asyncssh.SSHClientConnection]:
    # The files alone, not the developer's agent or home: host keys are checked against known_hosts.
    async with asyncssh.connect(host, config=[estate.folder / "ssh_config"], agent_path=None) as connection:
        yield connection


async def said(estate: demo.DemoEstate, host: str, command: str) -> str:
    async with ssh(estate, host) as connection:
        return str((await connection.run(command, check=True)).stdout)


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_is_up_within_20_seconds_and_leaves_nothing_behind() -> None:
    state = folders.state()
    others = set(descendants(os.getpid()))  # servers of other tests, in a run of all of them
    begun = time.monotonic()
    with demo.up(machine=False) as estate:
        took = time.monotonic() - begun
        children = set(descendants(os.getpid())) - others
        variables = [name for name in os.environ if name.startswith("CALMTUI_DEMO_")]
        assert folders.state().is_relative_to(estate.folder), "the console must not remember the demo"
        assert len(children) >= 2
        assert variables
        assert estate.folder.is_dir()
    assert took < 20
    assert not any(map(alive, children))
    assert not estate.folder.exists()
    assert not set(variables) & set(os.environ)
    assert folders.state() == state


async def test_it_goes_even_when_its_parent_is_killed() -> None:
    program = "from calmtui import demo\nwith demo.up(machine=False) as e:\n print(e.folder, flush=True)\n input()"
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdin
    assert parent.stdout
    folder = Path(parent.stdout.readline().strip())
    children = descendants(parent.pid)
    assert folder.is_dir()
    parent.kill()
    parent.wait()
    await until(lambda: not any(map(alive, children)) and not folder.exists())
    parent.stdin.close()
    parent.stdout.close()


def test_its_estate_file_is_valid(estate: demo.DemoEstate) -> None:
    declared = load_file(estate.path, estate.environment)
    assert [spec.name for spec in declared.sources] == ["cloud", "web", "api", "db", "staging"]


def test_what_the_machine_has_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(
        "{kind: Config, current-context: here, contexts: [{name: here, context: {cluster: c, user: u}}],"
        " clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: u, user: {token: t}}]}"
    )
    monkeypatch.setenv("KUBECONFIG", str(config))
    with demo.up() as estate:
        added = [spec for spec in load_file(estate.path).sources if spec.provider == "kubernetes"]
    assert [spec.options.context for spec in added] == ["here"]


async def test_it_is_an_estate_like_any_other(estate: demo.DemoEstate) -> None:
    async with LiveEstate(load_file(estate.path, estate.environment)) as live:
        assert await live.gatherer.settled(30)
        fleet = live.fleet
        assert {name: status.health for name, status in fleet.sources.items()} == {
            "cloud": Health.LIVE, "web": Health.LIVE, "api": Health.PARTIAL, "db": Health.LIVE, "staging": Health.LIVE,
        }  # fmt: skip
        states = {node.id: node.state for node in fleet}
        assert states["ssh:web/web-01"] is State.RUNNING
        assert states["ssh:api/api-03"] is State.UNKNOWN
        assert states["ssh:staging/staging-db-01/shop-migrate.service"] is State.FAILED
        instance = next(node for node in fleet if node.kind == "instance" and node.name == "web-01")
        link = live.links.host_of(instance)
        assert link
        assert (link.node.id, link.guess) == ("ssh:web/web-01", False), "EC2 and the host give the same address"
        assert {node.env for node in fleet if node.kind in ("instance", "host")} == {"production", "staging"}


@pytest.fixture
def worker() -> Iterator[None]:
    """Whoever carries out the runs of a test; it ends with it."""
    yield
    end_worker()


@pytest.mark.usefixtures("worker")
def test_its_runbooks_deploy_a_release_and_take_a_bad_one_back(estate: demo.DemoEstate) -> None:
    environment = dict(estate.environment)
    ran = run("-i", str(estate.path), "run", "deploy", "-p", "release=2.0.0", "--yes", "--json", **environment)
    assert (ran.json["standing"], ran.json["detail"]) == ("rolled back", "1 ok, 3 skipped; 1 rolled back")
    releases = [(estate.folder / "hosts" / f"web-0{number}" / "release").read_text() for number in range(1, 5)]
    assert releases == ["1.9.2\n", "1.9.2\n", "1.9.1\n", "1.9.2\n"]
    asked = run("-i", str(estate.path), "run", "collect-diagnostics", "--yes", "--json", **environment)
    assert asked.json["detail"] == "8 ok, 1 failed"


async def test_every_host_answers_with_its_own_name_but_the_one_that_is_down(estate: demo.DemoEstate) -> None:
    async def name(host: str) -> str:
        try:
            return await said(estate, host, "hostname")
        except ConnectionRefusedError:
            return "down"

    answers = await asyncio.gather(*(name(machine.name) for machine in HOSTS))
    assert answers == ["down" if machine.down else f"{machine.name}\n" for machine in HOSTS]


async def test_a_command_runs_in_the_hosts_own_folder_and_gives_its_status(estate: demo.DemoEstate) -> None:
    async with ssh(estate, "db-01") as connection:
        done = await connection.run("pwd; echo oops >&2; cat; exit 7", input="fed\n")
    assert (done.stdout, done.stderr, done.exit_status) == (f"{estate.folder}/hosts/db-01\nfed\n", "oops\n", 7)


async def test_a_command_that_closes_one_output_is_heard_on_the_other(estate: demo.DemoEstate) -> None:
    async with ssh(estate, "db-01") as connection:
        done = await connection.run("exec 2>/dev/null; sleep 0.3; echo still there")
    assert done.stdout == "still there\n"


async def test_output_of_many_megabytes_comes_whole(estate: demo.DemoEstate) -> None:
    async with ssh(estate, "db-01") as connection:
        done = await connection.run("head -c 5000000 /dev/zero", encoding=None)
    assert len(done.stdout or b"") == 5_000_000


async def test_logs_grow_with_a_past_and_a_present(estate: demo.DemoEstate) -> None:
    for host, log in (("web-01", "access.log"), ("api-01", "api.log"), ("db-01", "postgresql.log")):
        path = estate.folder / "hosts" / host / "log" / log
        size = path.stat().st_size
        assert int(await said(estate, host, f"wc -l < log/{log}")) > 100
        await until(lambda path=path, size=size: path.stat().st_size > size)


async def test_a_followed_log_ends_with_its_client(estate: demo.DemoEstate) -> None:
    async with ssh(estate, "web-02") as connection:
        process = await connection.create_process("echo $$; exec tail -n 1 -F log/access.log")
        pid = int(await process.stdout.readline())
        await process.stdout.readline()
        assert alive(pid)
    await until(lambda: not alive(pid))


async def test_a_signal_ends_a_command_and_what_it_started(estate: demo.DemoEstate) -> None:
    async with ssh(estate, "web-02") as connection:
        process = await connection.create_process("sleep 600 & echo $!; wait")
        pid = int(await process.stdout.readline())
        process.send_signal("TERM")
        done = await process.wait()
    assert done.exit_signal
    assert done.exit_signal[0] == "TERM"
    await until(lambda: not alive(pid))


async def test_a_shell_has_a_terminal_of_the_clients_size(estate: demo.DemoEstate) -> None:
    async with ssh(estate, "web-01") as connection:
        shell = await connection.create_process(term_type="xterm", term_size=(101, 33))
        shell.stdin.write("stty size; tty -s && echo 'a tty'; echo $TERM\n")
        await shell.stdout.readuntil("33 101")
        await shell.stdout.readuntil("a tty\r\nxterm")
        shell.change_terminal_size(77, 22)
        shell.stdin.write("stty size; exit 5\n")
        await shell.stdout.readuntil("22 77")
        assert (await shell.wait()).exit_status == 5


async def test_a_reboot_drops_the_host_for_a_while_and_not_the_machine(estate: demo.DemoEstate) -> None:
    async with ssh(estate, "staging-web-01") as connection:
        assert str((await connection.run("command -v reboot")).stdout).startswith(str(estate.folder))
        await connection.run("/sbin/reboot")
        await asyncio.wait_for(connection.wait_closed(), 15)
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await said(estate, "staging-web-01", "true")

    async def back() -> None:
        while True:
            with contextlib.suppress(OSError):
                assert await said(estate, "staging-web-01", "hostname") == "staging-web-01\n"
                return
            await asyncio.sleep(0.2)

    await asyncio.wait_for(back(), 20)


async def test_a_stranger_is_not_let_in(estate: demo.DemoEstate) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect("web-01", config=[estate.folder / "ssh_config"], agent_path=None, client_keys=[key])


def test_the_cloud_has_two_regions_with_tags_and_an_instance_that_is_stopped(estate: demo.DemoEstate) -> None:
    found, addresses = {}, {}
    for region in ("eu-west-1", "us-east-1"):
        ec2 = boto3.client(
            "ec2", region_name=region, endpoint_url=estate.environment["CALMTUI_DEMO_EC2"],
            aws_access_key_id="demo", aws_secret_access_key="demo",
        )  # fmt: skip
        for reservation in ec2.describe_instances()["Reservations"]:
            for instance in reservation["Instances"]:
                tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
                addresses[tags["Name"]] = instance["PrivateIpAddress"]
                found[tags["Name"]] = (region, tags["env"], tags["service"], instance["State"]["Name"])
    assert addresses["web-01"] == next(host.address for host in HOSTS if host.name == "web-01")
    assert found["web-01"] == ("eu-west-1", "production", "web", "running")
    assert found["report-01"] == ("eu-west-1", "production", "report", "stopped")
    assert found["staging-db-01"][:2] == ("us-east-1", "staging")
    assert {machine.name for machine in MACHINES} <= set(found)


def test_a_server_that_cannot_come_up_is_said_with_its_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto" / "__init__.py").write_text("raise SystemExit('moto is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(CalmError, match="its cloud ended: moto is broken"), demo.up(machine=False):
        pytest.fail("it came up")
