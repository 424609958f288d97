"""ssh_config as calmtui reads it, held against what OpenSSH's own `ssh -G` makes of the same file."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calmtui.errors import CalmError, Misconfigured
from calmtui.transport.ssh.config import SshConfig
from calmtui.transport.ssh.settings import Settings

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is what this is compared with")


def looked_up(folder: Path, text: str, host: str, **given: object) -> Settings:
    path = folder / "config"
    path.write_text(text)
    return SshConfig(path).lookup(host, **given)  # type: ignore[arg-type]


def openssh(folder: Path, text: str, host: str) -> dict[str, list[str]]:
    path = folder / "config"
    path.write_text(text)
    done = subprocess.run(["ssh", "-G", "-F", path, host], text=True, capture_output=True, check=True)
    values: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        values.setdefault(keyword, []).append(value)
    return values


CASES = {
    "the first value wins": "Host web\n Port 2222\nHost *\n Port 22\n User ops\n",
    "options before any Host hold for all": "User first\nHost web\n User second\n",
    "patterns and negation": "Host w?b !web\n Port 1\nHost web* !web2\n Port 2\n",
    "several patterns in one line": "Host db web cache\n HostName 10.0.0.9\n",
    "equals signs and quotes": 'Host web\n HostName="10.0.0.9"\n User = "ops"\n Port=2200\n',
    "keywords in any case": "hOST web\n hostNAME 10.0.0.8\n",
    "comments": "# one\nHost web # two\n  # three\n  Port 2201 # four\n",
    "identity files add up": "Host web\n IdentityFile /k/a\nHost *\n IdentityFile /k/b\n",
    "Hostname with its own token": "Host web\n HostName %h.example.org\n",
    "Match host sees the Hostname": "Host web\n HostName 10.9.9.9\nMatch host 10.9.*\n User inner\n",
    "Match originalhost": "Host web\n HostName 10.9.9.9\nMatch originalhost web\n User inner\n",
    "Match user": "Host web\n User ops\nMatch user ops\n Port 2022\n",
    "Match negated": "Match !host db\n Port 2023\n",
    "Match all": "Match all\n Port 2024\n",
    "Match exec true": 'Match exec "test %n = web"\n Port 2025\n',
    "Match exec false": 'Match exec "false"\n Port 2026\n',
    "Match with several criteria": "Match originalhost web user nobody-here\n Port 2027\n",
    "Match final": "Host web\n HostName 10.1.1.1\nMatch final host 10.1.1.1\n User last\n",
    "ProxyJump none": "Host web\n ProxyJump none\nHost *\n ProxyJump bastion\n",
    "ProxyJump list": "Host web\n ProxyJump a,ops@b:2222\n",
    "host key alias": "Host web\n HostKeyAlias one\n",
    "IdentitiesOnly": "Host web\n IdentitiesOnly yes\n",
}


@needs_ssh
@pytest.mark.parametrize("text", CASES.values(), ids=CASES.keys())
def test_every_rule_of_ssh_config_gives_what_openssh_makes_of_it(tmp_path: Path, text: str) -> None:
    theirs, ours = openssh(tmp_path, text, "web"), looked_up(tmp_path, text, "web")
    assert ours.hostname == theirs["hostname"][0]
    assert ours.port == int(theirs["port"][0])
    assert ours.user == theirs["user"][0]
    assert ",".join(ours.jumps) == theirs.get("proxyjump", [""])[0]
    assert ours.host_key_alias == theirs.get("hostkeyalias", [None])[0]
    assert ours.identities_only == (theirs["identitiesonly"][0] == "yes")
    if ours.identities:
        assert [str(path) for path in ours.identities] == theirs["identityfile"]


NAMES = st.sampled_from(["web", "web-1", "db", "a.b"])
PATTERNS = st.sampled_from(["*", "web", "web*", "w?b", "!web", "!db", "d*", "*-1"])
LINES = st.one_of(
    st.lists(PATTERNS, min_size=1, max_size=3).map(lambda patterns: "Host " + " ".join(patterns)),
    st.sampled_from(["db", "web*", "!web"]).map(
        lambda pattern: "Match " + ("!" if pattern[0] == "!" else "") + "host " + pattern.lstrip("!")
    ),
    st.integers(1, 65535).map(lambda port: f"Port {port}"),
    st.sampled_from(["ops", "root"]).map(lambda user: f"  User {user}"),
    st.sampled_from(["10.0.0.1", "db", "%h.x"]).map(lambda name: f"\tHostName={name}"),
)


@needs_ssh
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(host=NAMES, lines=st.lists(LINES, max_size=8))
def test_any_mixture_of_blocks_gives_what_openssh_makes_of_it(tmp_path: Path, host: str, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    theirs, ours = openssh(tmp_path, text, host), looked_up(tmp_path, text, host)
    assert (ours.hostname, str(ours.port), ours.user) == tuple(theirs[name][0] for name in ("hostname", "port", "user"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200))
def test_garbage_is_an_error_with_its_line_or_settings(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text, errors="surrogatepass")
    try:
        found = SshConfig(tmp_path / "config").lookup("web")
    except CalmError as error:
        assert str(tmp_path) in error.where
    else:
        assert 0 < found.port < 65536


def test_include_reads_files_of_a_pattern_in_place_and_only_where_its_block_holds(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1").write_text("Host web\n User included\n")
    (tmp_path / "d" / "2").write_text("Port 2100\n")
    text = f"Host db\n Include {tmp_path}/d/1\nHost *\n Include {tmp_path}/d/*\n Port 9\n"
    found = looked_up(tmp_path, text, "web")
    assert (found.user, found.port) == ("included", 2100)
    assert looked_up(tmp_path, text, "db").user == getpass.getuser()


def test_what_is_given_on_the_command_line_wins(tmp_path: Path) -> None:
    found = looked_up(tmp_path, "Host *\n User a\n Port 1\n", "web", user="b", port=2)
    assert (found.user, found.port) == ("b", 2)


def test_without_userknownhostsfile_the_usual_files_of_the_home_are_used(tmp_path: Path, nobodys_machine: Path) -> None:
    assert looked_up(tmp_path, "", "web").known_hosts[0] == nobodys_machine / ".ssh" / "known_hosts"


def test_no_known_hosts_file_means_no_trusted_key_rather_than_no_check(tmp_path: Path) -> None:
    text = "UserKnownHostsFile none\nGlobalKnownHostsFile none\nStrictHostKeyChecking no\n"
    found = looked_up(tmp_path, text, "web")
    assert found.known_hosts == ()
    assert found.unheeded == (f"stricthostkeychecking ({tmp_path}/config:3)",)


def test_tokens_and_the_home_are_filled_in_paths_and_proxy_command(tmp_path: Path, nobodys_machine: Path) -> None:
    text = "Host web\n HostName 10.0.0.1\n Port 7\n User ops\n IdentityFile ~/k_%r_%n\n ProxyCommand nc %h %p # %%\n"
    found = looked_up(tmp_path, text, "web")
    assert found.identities == (nobodys_machine / "k_ops_web",)
    assert found.proxy_command == "nc 10.0.0.1 7 # %"


def test_names_without_patterns_are_offered_for_discovery(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("Host web db\nHost *.example !x\nHost db cache\n")
    assert SshConfig(tmp_path / "config").aliases() == ["web", "db", "cache"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('Host web\n User "open\n', 2, "quote"),
        ("Host web\n Port\n", 2, "no value"),
        ("Host web\n Port ssh\n", 2, "no port"),
        ("Match address 10.0.0.0/8\n", 1, "Match address"),
        ("Host web\n IdentityFile /k/%Z\n", 2, "%Z"),
        ("Host web\n IdentityFile ${NOT_SET_ANYWHERE}/k\n", 2, "NOT_SET_ANYWHERE"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        looked_up(tmp_path, text, "web")
    assert caught.value.where == f"{tmp_path}/config:{line}"
    assert words in caught.value.what


def test_a_file_that_includes_itself_is_an_error_and_not_the_end_of_the_stack(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="Include"):
        looked_up(tmp_path, f"Include {tmp_path}/config\n", "web")


def test_what_is_read_once_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("Host web\n Port 2222\n")
    config = SshConfig(path)
    config.read()
    assert config.lookup("web").port == 2222
    assert not config.runs_commands
    path.write_text('Host web\n Port 2223\nMatch exec "true"\n User ops\n')
    os.utime(path, ns=(1, 1))  # whatever the clock's grain
    assert (config.lookup("web").port, config.lookup("web").user) == (2223, "ops")
    assert config.runs_commands
    path.write_text("Host web\n Port many\n")
    os.utime(path, ns=(2, 2))
    with pytest.raises(Misconfigured, match=r"config:2"):
        config.lookup("web")
