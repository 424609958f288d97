"""Every way to an engine, and everything that can be wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from calmtui.errors import AuthFailed, HostKeyRejected, Misconfigured, SourceError, Unreachable
from calmtui.fleet.source import Health
from calmtui.fleet.update import Ready
from calmtui.providers.base import LogRequest
from tests.integration.commands import run
from tests.integration.docker_live import live, opened, until
from tests.lab.certificates import Authority, Issued
from tests.lab.docker import DockerEngine
from tests.lab.fleet import SshFleet

LABEL = "calmtui.test=reach"


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    yield docker_engine
    names = docker_engine.cli("ps", "-aq", "--filter", f"label={LABEL}").split()
    if names:
        docker_engine.cli("rm", "-f", *names)


async def error_of(folder: Path, **options: object) -> SourceError:
    """What the watch of a source with these options ends with."""
    source = opened(folder, **options)
    with pytest.raises(SourceError) as caught:
        async for _ in source.watch():
            pass
    await source.close()
    return caught.value


# -- sockets ------------------------------------------------------------------


async def test_a_missing_socket_says_that_no_engine_is_there(tmp_path: Path) -> None:
    error = await error_of(tmp_path, host="unix://docker.sock")
    assert isinstance(error, Unreachable)
    assert error.what == f"no engine listens on {tmp_path}/docker.sock: there is no such socket"
    assert error.next_step


async def test_a_dead_socket_and_a_closed_port_say_so(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "docker.sock"))
    dead.close()
    assert "refused" in (await error_of(tmp_path, host="unix://docker.sock")).what
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "refused" in (await error_of(tmp_path, host=f"tcp://127.0.0.1:{free.getsockname()[1]}")).what


def test_a_socket_that_may_not_be_opened_says_which_group_to_join(tmp_path: Path) -> None:
    """As a user who is nobody, in a process of its own: root may open everything."""
    folder = Path("/tmp") / f"calmtui-forbidden-{os.getpid()}"
    folder.mkdir(mode=0o755)
    script = """
        import asyncio, os
        from pathlib import Path
        from calmtui.providers.docker.endpoint import Endpoint
        from calmtui.providers.docker.wire import Wire
        os.setgid(65534); os.setuid(65534)
        try:
            asyncio.run(Wire(Endpoint("host", socket=Path("docker.sock")), 5, "engine").get("/_ping"))
        except Exception as error:
            print(type(error).__name__, error)
    """
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(folder / "docker.sock"))
        listening.listen()
        (folder / "docker.sock").chmod(0o660)
        argv = [sys.executable, "-c", textwrap.dedent(script)]
        environ = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(argv, cwd=folder, env=environ, text=True, capture_output=True, timeout=30)
    finally:
        listening.close()
        shutil.rmtree(folder)
    assert done.stdout.startswith("Forbidden engine: "), done.stderr
    assert "usermod -aG docker" in done.stdout


async def test_something_that_is_no_engine_is_not_taken_for_one(tmp_path: Path) -> None:
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", b"220 smtp ready\r\n\r\n", b"\x00\xff" * 40, b""]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers[0])
        writer.close()

    server = await asyncio.start_unix_server(answer, tmp_path / "other.sock")
    async with server:
        while answers:
            error = await error_of(tmp_path, host="unix://other.sock")
            assert error.next_step
            answers.pop(0)


async def test_an_engine_that_does_not_answer_is_given_up_in_time(tmp_path: Path) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(hang, tmp_path / "hang.sock")
    async with server:
        async with asyncio.timeout(5):
            error = await error_of(tmp_path, host="unix://hang.sock", timeout=0.3)
    assert error.what == f"no answer from {tmp_path}/hang.sock in time"


# -- TLS ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Authority, Issued]:
    """A folder with an authority and our own certificate."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    return folder, authority, authority.issue("client")


@pytest.fixture(scope="module")
def tls_engine(
    docker_engine: DockerEngine, certificates: tuple[Path, Authority, Issued]
) -> Iterator[tuple[str, dict[str, str]]]:
    """The URL of a second engine, on tcp with TLS, and the `tls` options for it. It has the lab's image."""
    folder, authority, ours = certificates
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    theirs = authority.issue("server")
    host = f"tcp://127.0.0.1:{port}"
    cli = [
        "docker",
        "-H",
        host,
        "--tlsverify",
        f"--tlscacert={authority.cert}",
        f"--tlscert={ours.cert}",
        f"--tlskey={ours.key}",
    ]
    runc = docker_engine.socket.parent / "runc"
    argv = [
        "dockerd",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
        f"--data-root={folder}/data",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid",
        "-H",
        host,
        "--tlsverify",
        f"--tlscacert={authority.cert}",
        f"--tlscert={theirs.cert}",
        f"--tlskey={theirs.key}",
        "--add-runtime",
        f"lab={runc}",
        "--default-runtime=lab",
    ]
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(100):
            if subprocess.run([*cli, "info"], capture_output=True, timeout=10).returncode == 0:
                break
            if process.poll() is not None:
                pytest.fail((folder / "dockerd.log").read_text()[-800:])
            subprocess.run(["sleep", "0.1"], check=True)
        saved = subprocess.Popen(["docker", "-H", docker_engine.host, "save", "lab:latest"], stdout=subprocess.PIPE)
        subprocess.run([*cli, "load"], stdin=saved.stdout, check=True, capture_output=True, timeout=60)
        saved.wait()
        subprocess.run(
            [
                *cli,
                "run",
                "-d",
                "--init",
                "--name",
                "tls-box",
                "--network",
                "none",
                "lab:latest",
                "sh",
                "-c",
                "echo over tls; sleep 1000",
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        yield host, {"ca": "ca.pem", "cert": "client.pem", "key": "client.key"}
        subprocess.run([*cli, "rm", "-f", "tls-box"], capture_output=True, timeout=60)
    finally:
        process.terminate()
        process.wait(30)


async def test_everything_works_over_tls(
    tls_engine: tuple[str, dict[str, str]], certificates: tuple[Path, Authority, Issued]
) -> None:
    host, tls = tls_engine
    async with live(host, certificates[0], tls=tls) as lab:
        node = lab.node("tls-box")
        assert node.state == "running"
        result = await run(lab.source, node, ["cat; echo err >&2; exit 3"], stdin=b"given")
        assert (result.exit_status, result.stdout, result.stderr) == (3, b"given", b"err\n")
        assert (await run(lab.source, node, ["wc", "-c"], stdin=b"x" * 1_000_000)).stdout.strip() == b"1000000"
        request = LogRequest(follow=False)
        lines = [text async for chunk in lab.source.logs(node, request) for _, text in chunk.lines]
        assert lines == [b"over tls"]
        shell = await lab.source.shell(node, term="dumb", columns=80, rows=24)
        shell.write(b"exit 6\n")
        while await shell.read():
            pass
        assert await shell.close() == 6
        assert await lab.source.act(node, "pause", {}) == "paused"
        await lab.until(lambda: lab.node("tls-box").raw_state == "paused")
        assert await lab.source.act(node, "unpause", {}) == "running"


async def test_an_engine_of_an_unknown_authority_is_not_trusted(
    tls_engine: tuple[str, dict[str, str]], certificates: tuple[Path, Authority, Issued]
) -> None:
    folder = certificates[0]
    Authority(folder, "stranger")
    error = await error_of(folder, host=tls_engine[0], tls=tls_engine[1] | {"ca": "stranger.pem"})
    assert isinstance(error, HostKeyRejected)
    assert "not valid" in error.what
    trusting = opened(folder, host=tls_engine[0], tls=tls_engine[1] | {"ca": None, "verify": False})
    async with contextlib.aclosing(trusting.watch()) as updates:
        async for update in updates:
            if isinstance(update, Ready):
                break
    await trusting.close()


async def test_without_a_certificate_of_ours_the_engine_says_no(
    tls_engine: tuple[str, dict[str, str]], certificates: tuple[Path, Authority, Issued]
) -> None:
    folder = certificates[0]
    assert isinstance(await error_of(folder, host=tls_engine[0], tls={"ca": "ca.pem"}), AuthFailed)
    Authority(folder, "other").issue("impostor")
    impostor = {"ca": "ca.pem", "cert": "impostor.pem", "key": "impostor.key"}
    assert isinstance(await error_of(folder, host=tls_engine[0], tls=impostor), AuthFailed)


async def test_plain_text_to_a_tls_engine_says_that_tls_is_missing(
    tls_engine: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    error = await error_of(tmp_path, host=tls_engine[0])
    assert isinstance(error, Misconfigured)
    assert "tls" in error.next_step


@pytest.mark.parametrize("broken", ["ca", "cert", "key"])
async def test_a_tls_file_that_cannot_be_used_is_named(tmp_path: Path, broken: str) -> None:
    ours = Authority(tmp_path).issue("client")
    encrypted = load_pem_private_key(ours.key.read_bytes(), None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")
    )
    (tmp_path / "broken.pem").write_bytes(encrypted if broken == "key" else b"not a certificate")
    files = {"ca": "ca.pem", "cert": "client.pem", "key": "client.key"} | {broken: "broken.pem"}
    error = await error_of(tmp_path, host="tcp://127.0.0.1:1", tls=files)
    assert isinstance(error, Misconfigured)
    assert "broken.pem" in error.next_step


async def test_tls_to_a_plain_port_says_so(tmp_path: Path) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        host = "tcp://{}:{}".format(*server.sockets[0].getsockname())
        error = await error_of(tmp_path, host=host, tls={"verify": False})
    assert isinstance(error, Misconfigured)
    assert "does not speak TLS" in error.what


async def test_an_engine_that_goes_away_in_the_middle_of_a_handshake_is_out_of_reach_and_not_distrusted(
    tmp_path: Path,
) -> None:
    async def go_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(go_away, "127.0.0.1", 0)
    async with server:
        host = "tcp://{}:{}".format(*server.sockets[0].getsockname())
        error = await error_of(tmp_path, host=host, tls={"verify": False})
    assert isinstance(error, Unreachable)


# -- SSH ----------------------------------------------------------------------


async def test_an_engine_behind_ssh_is_as_good_as_one_at_hand(engine: DockerEngine, ssh_fleet: SshFleet) -> None:
    engine.run("ssh-box", "--label", LABEL, "--init", command=("sh", "-c", "echo through ssh; sleep 1000"))
    host = f"ssh://{ssh_fleet.hosts[0]}{engine.socket}"
    async with live(host, ssh_config=ssh_fleet.ssh_config) as lab:
        node = lab.node("ssh-box")
        result = await run(lab.source, node, ["cat; exit 3"], stdin=b"given")
        assert (result.exit_status, result.stdout) == (3, b"given")
        request = LogRequest(follow=False)
        assert [line async for chunk in lab.source.logs(node, request) for _, line in chunk.lines] == [b"through ssh"]
        assert await lab.source.act(node, "stop", {}) == "exited 143"
        assert engine.cli("inspect", "--format", "{{.State.Status}}", "ssh-box") == "exited"
        await lab.until(lambda: lab.node("ssh-box").state == "stopped")


async def test_the_socket_of_a_tunnel_is_nobody_elses_and_goes_with_it(
    engine: DockerEngine, ssh_fleet: SshFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"ssh://{ssh_fleet.hosts[0]}{engine.socket}"
    with tempfile.TemporaryDirectory() as short:  # a socket's path has no room for the folder of a test
        monkeypatch.setattr("tempfile.tempdir", short)
        async with live(host, ssh_config=ssh_fleet.ssh_config):
            (folder,) = Path(short).glob("calmtui-docker-*")
            assert folder.stat().st_mode & 0o777 == 0o700
            assert (folder / "docker.sock").is_socket()
        assert list(Path(short).glob("calmtui-docker-*")) == []


async def test_an_ssh_connection_that_breaks_is_made_again(engine: DockerEngine, ssh_fleet: SshFleet) -> None:
    host = f"ssh://{ssh_fleet.hosts[1]}{engine.socket}"
    async with live(host, ssh_config=ssh_fleet.ssh_config) as lab:
        assert lab.fleet.sources["engine"].health is Health.LIVE
        ssh_fleet.cut(ssh_fleet.hosts[1])
        await until(lambda: lab.fleet.sources["engine"].reconnects > 0)
        lab.gatherer.retry("engine")
        await until(lambda: lab.fleet.sources["engine"].health is Health.LIVE)
        engine.run("ssh-after", "--label", LABEL)
        await until(lambda: lab.find("ssh-after"))


async def test_a_host_without_an_engine_says_which_socket_is_missing(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    error = await error_of(tmp_path, host=f"ssh://{ssh_fleet.hosts[0]}/no/engine.sock", ssh_config=ssh_fleet.ssh_config)
    assert isinstance(error, Unreachable)
    assert f"/no/engine.sock on {ssh_fleet.hosts[0]}" in error.what
    assert "docker info" in error.next_step


async def test_an_unknown_host_key_is_never_connected_to(
    engine: DockerEngine, ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    config = tmp_path / "ssh_config"
    config.write_text(
        f"Host stranger\n HostName 127.0.0.1\n Port {ssh_fleet.port(ssh_fleet.hosts[0])}\n User root\n"
        f" IdentityFile {ssh_fleet.identity}\n UserKnownHostsFile {tmp_path}/known_hosts\n"
    )
    error = await error_of(tmp_path, host=f"ssh://stranger{engine.socket}", ssh_config=config)
    assert isinstance(error, HostKeyRejected)
    assert "SHA256:" in error.what
