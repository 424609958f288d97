"""Whom calmtui connects to and as whom: keys known, unknown and changed, identities, passphrases, jump hosts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from calmtui.errors import AuthFailed, HostKeyChanged, HostKeyRejected, Misconfigured, SourceError, Unreachable
from calmtui.fleet.node import State
from calmtui.transport.ssh import Dialer, Target
from tests.integration.commands import run
from tests.integration.ssh_live import Watched, host, opened
from tests.lab.fleet import SshFleet


def fingerprint(key: Path) -> str:
    done = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], text=True, capture_output=True, check=True)
    return done.stdout.split()[1]


async def test_an_unknown_key_is_refused_with_its_fingerprint_and_what_to_do(
    ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    known.touch()
    async with opened(ssh_fleet, "web-001", known_hosts=known) as source:
        with pytest.raises(HostKeyRejected) as caught:
            await run(source, host("web-001"), ["hostname"])
        assert not isinstance(caught.value, HostKeyChanged)
        assert fingerprint(ssh_fleet.folder / "hostkey") in caught.value.what
        assert str(known) in caught.value.what
        assert f"-p {ssh_fleet.port('web-001')} root@127.0.0.1" in caught.value.next_step


async def test_a_changed_key_is_refused_loudly_and_the_others_stay(ssh_fleet: SshFleet) -> None:
    ssh_fleet.stop("web-012")
    ssh_fleet.start("web-012", host_key="other_hostkey")
    try:
        async with opened(ssh_fleet, "web-[011-012]") as source, Watched(source) as watched:
            node = watched.node("web-012")
            assert (node.state, node.raw_state) == (State.FAILED, "HOST KEY CHANGED")
            assert node.reason.startswith("THE HOST KEY HAS CHANGED")
            assert watched.node("web-011").state is State.RUNNING
            with pytest.raises(HostKeyChanged) as caught:
                await run(source, host("web-012"), ["touch /root/reached"])
        for key in ("hostkey", "other_hostkey"):
            assert fingerprint(ssh_fleet.folder / key) in caught.value.what
        assert "ssh-keygen" in caught.value.next_step
        assert not (ssh_fleet.folder / "hosts" / "web-012" / "root" / "reached").exists()
    finally:
        ssh_fleet.stop("web-012")
        ssh_fleet.start("web-012")


@pytest.mark.parametrize("strict", ["no", "accept-new"])
async def test_nothing_in_ssh_config_switches_the_check_off(ssh_fleet: SshFleet, tmp_path: Path, strict: str) -> None:
    config = tmp_path / "config"
    off = f"StrictHostKeyChecking {strict}\nUserKnownHostsFile none\n"
    config.write_text(off + ssh_fleet.ssh_config.read_text())
    async with opened(ssh_fleet, "web-001", ssh_config=config) as source:
        with pytest.raises(HostKeyRejected):
            await run(source, host("web-001"), ["hostname"])


async def test_hashed_entries_are_known_hosts_too(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    shutil.copy(ssh_fleet.known_hosts, known)
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
    assert "127.0.0.1" not in known.read_text()
    async with opened(ssh_fleet, "web-001", known_hosts=known) as source:
        assert (await run(source, host("web-001"), ["hostname"])).stdout == b"web-001\n"


async def test_a_key_known_for_the_address_does_not_vouch_for_another_name(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host web-001\n HostName localhost\n" + ssh_fleet.ssh_config.read_text())
    async with opened(ssh_fleet, "web-001", ssh_config=config) as source:
        with pytest.raises(HostKeyRejected, match="localhost"):
            await run(source, host("web-001"), ["hostname"])


async def test_a_wrong_identity_is_a_refused_login_and_nobody_is_asked(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    config = tmp_path / "config"
    wrong = ssh_fleet.new_key("wrong") if not (ssh_fleet.folder / "wrong").exists() else ssh_fleet.folder / "wrong"
    config.write_text(ssh_fleet.ssh_config.read_text().replace(str(ssh_fleet.identity), str(wrong)))
    async with opened(ssh_fleet, "web-001", ssh_config=config, ask=_never) as source:
        with pytest.raises(AuthFailed, match="root may not log in") as caught:
            await run(source, host("web-001"), ["hostname"])
        assert "ssh-ed25519" in caught.value.what
        assert "ssh -v" in caught.value.next_step


async def test_a_passphrase_is_asked_for_once_for_all_hosts_and_again_when_it_is_wrong(
    ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    config = _with_locked_key(ssh_fleet, tmp_path)
    asked, ask = _answers(["wrong", "correct horse"])
    async with opened(ssh_fleet, "web-[001-008]", ssh_config=config, ask=ask) as source, Watched(source) as watched:
        assert {node.state for node in watched.fleet} == {State.RUNNING}
    assert asked == [f"Passphrase of {tmp_path}/locked"] * 2


async def test_a_refused_passphrase_is_a_refused_login_and_its_text_names_no_secret(
    ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    config = _with_locked_key(ssh_fleet, tmp_path)
    asked, ask = _answers([None])
    async with opened(ssh_fleet, "web-001", ssh_config=config, ask=ask) as source:
        for _ in range(2):
            with pytest.raises(AuthFailed):
                await run(source, host("web-001"), ["hostname"])
    assert len(asked) == 1


async def test_the_agents_key_is_used_where_the_file_is_locked(
    ssh_fleet: SshFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _with_locked_key(ssh_fleet, tmp_path)
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(
            ["ssh-add", "-q", ssh_fleet.identity],
            check=True,
            capture_output=True,
            timeout=10,
            preexec_fn=lambda: _wait_for(socket),
        )
        async with opened(ssh_fleet, "web-001", ssh_config=config, ask=_never) as source:
            assert (await run(source, host("web-001"), ["hostname"])).stdout == b"web-001\n"
    finally:
        agent.terminate()
        agent.wait()


async def test_a_host_is_reached_through_two_jump_hosts(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host web-003\n ProxyJump web-001,web-002\n" + ssh_fleet.ssh_config.read_text())
    before = [_logins(ssh_fleet, name) for name in ("web-001", "web-002", "web-003")]
    async with opened(ssh_fleet, "web-003", ssh_config=config) as source:
        assert (await run(source, host("web-003"), ["hostname"])).stdout == b"web-003\n"
        assert [_logins(ssh_fleet, name) for name in ("web-001", "web-002", "web-003")] == [n + 1 for n in before]


async def test_many_hosts_behind_one_jump_host_share_its_connection(ssh_fleet: SshFleet) -> None:
    before = _logins(ssh_fleet, "web-020")
    async with opened(ssh_fleet, "web-[001-019]", proxy_jump="web-020") as source, Watched(source) as watched:
        assert {node.state for node in watched.fleet} == {State.RUNNING}
    assert _logins(ssh_fleet, "web-020") == before + 1


async def test_an_unknown_key_of_the_jump_host_is_told_as_the_jump_hosts(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    config = tmp_path / "config"
    port = ssh_fleet.port("web-002")
    config.write_text(ssh_fleet.ssh_config.read_text())
    known = tmp_path / "known_hosts"
    known.write_text("".join(line for line in ssh_fleet.known_hosts.open() if f":{port} " not in line))
    async with opened(ssh_fleet, "web-001", proxy_jump="web-002", known_hosts=known) as source:
        with pytest.raises(HostKeyRejected, match="jump host web-002"):
            await run(source, host("web-001"), ["hostname"])


async def test_jump_hosts_that_go_round_in_circles_are_said(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host web-*\n ProxyJump web-002\n" + ssh_fleet.ssh_config.read_text())
    async with opened(ssh_fleet, "web-001", ssh_config=config) as source:
        with pytest.raises(Misconfigured, match="circles"):
            await run(source, host("web-001"), ["hostname"])


async def test_a_proxy_command_is_run(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host web-001\n ProxyCommand sh -c 'touch {tmp_path}/ran; exec ssh -F {tmp_path}/jump -W %h:%p web-002'\n"
        + ssh_fleet.ssh_config.read_text()
    )
    shutil.copy(ssh_fleet.ssh_config, tmp_path / "jump")
    async with opened(ssh_fleet, "web-001", ssh_config=config) as source:
        assert (await run(source, host("web-001"), ["hostname"])).stdout == b"web-001\n"
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        (Target("web-001", port=9), Unreachable, "refused"),
        (Target("nowhere.invalid"), Unreachable, "name is not known"),
        (Target("web-001", jumps="nowhere.invalid"), Unreachable, "jump host nowhere.invalid"),
        (Target("web-001", identities=(Path("/etc/passwd"),)), Misconfigured, "no private key"),
    ],
)
async def test_each_way_to_fail_has_its_own_words(
    ssh_fleet: SshFleet, target: Target, kind: type[SourceError], words: str
) -> None:
    dialer = Dialer(_never, config=ssh_fleet.ssh_config)
    try:
        with pytest.raises(kind, match=words):
            await dialer.open(target)
    finally:
        await dialer.close()


async def _never(prompt: str) -> str | None:
    raise AssertionError(f"nobody should be asked: {prompt}")


def _answers(answers: list[str | None]) -> tuple[list[str], Callable[[str], object]]:
    asked: list[str] = []

    async def ask(prompt: str) -> str | None:
        asked.append(prompt.split(";")[0])
        return answers.pop(0)

    return asked, ask


def _with_locked_key(fleet: SshFleet, folder: Path) -> Path:
    """An ssh_config that names a copy of the fleet's key, locked with the passphrase `correct horse`."""
    locked = folder / "locked"
    shutil.copy(fleet.identity, locked)
    shutil.copy(f"{fleet.identity}.pub", f"{locked}.pub")
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "correct horse", "-f", locked], check=True, capture_output=True)
    config = folder / "config"
    config.write_text(fleet.ssh_config.read_text().replace(str(fleet.identity), str(locked)))
    return config


def _wait_for(path: Path) -> None:
    import time

    while not path.exists():
        time.sleep(0.01)


def _logins(fleet: SshFleet, name: str) -> int:
    return (fleet.folder / "hosts" / name / "sshd.out").read_text().count("Accepted publickey")
