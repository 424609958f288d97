"""Which engine is meant: options, contexts, environment, sockets."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from calmtui.errors import Misconfigured
from calmtui.providers.base import Opening
from calmtui.providers.docker import PROVIDER
from calmtui.providers.docker.endpoint import Endpoint, Tls, resolve
from calmtui.providers.docker.options import DockerOptions, TlsOptions
from tests.lab.certificates import Authority


def found(folder: Path, environ: dict[str, str] | None = None, **options: Any) -> Endpoint:
    return resolve(Opening("engine", DockerOptions(**options), folder), environ or {})


def make_context(home: Path, name: str, host: str, *, files: tuple[str, ...] = (), skip_verify: bool = False) -> Path:
    """As `docker context create` writes it; returns the folder of its TLS files."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker/contexts/meta" / digest / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip_verify}
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    tls = home / ".docker/contexts/tls" / digest / "docker"
    tls.mkdir(parents=True)
    for file in files:
        (tls / file).touch()
    return tls


@pytest.mark.parametrize("model", [DockerOptions, TlsOptions])
def test_every_setting_is_explained(model: type[DockerOptions] | type[TlsOptions]) -> None:
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize(
    "options",
    [
        {"host": "unix:///run/docker.sock", "context": "prod"},
        {"host": "/run/docker.sock"},
        {"host": "npipe:////./pipe/docker"},
        {"host": "unix:///run/docker.sock", "tls": {}},
        {"tls": {"ca": "ca.pem"}},
        {"host": "tcp://h:1", "tls": {"cert": "cert.pem"}},
        {"hots": "tcp://h:1"},
        {"timeout": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DockerOptions(**options)


def test_a_socket_is_relative_to_the_estates_file(tmp_path: Path) -> None:
    assert found(tmp_path, host="unix://run/docker.sock").socket == tmp_path / "run/docker.sock"
    assert found(tmp_path, host="unix:///run/docker.sock").socket == Path("/run/docker.sock")


def test_a_tcp_host_has_the_usual_port_for_plain_and_for_tls(tmp_path: Path) -> None:
    assert found(tmp_path, host="tcp://build").address == ("build", 2375)
    assert found(tmp_path, host="tcp://build", tls={"verify": False}).address == ("build", 2376)
    assert found(tmp_path, host="tcp://[::1]:99").address == ("::1", 99)


def test_tls_files_are_relative_to_the_estates_file_and_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    assert found(tmp_path, host="tcp://build", tls={"ca": "ca.pem"}).tls == Tls(ca=tmp_path / "ca.pem")
    with pytest.raises(Misconfigured, match=r"no file .*other\.pem"):
        found(tmp_path, host="tcp://build", tls={"ca": "other.pem"})


def test_an_ssh_host_may_name_its_socket(tmp_path: Path) -> None:
    usual = found(tmp_path, host="ssh://root@build:2222")
    assert usual.socket == Path("/var/run/docker.sock")
    assert usual.ssh is not None
    assert (usual.ssh.username, usual.ssh.hostname, usual.ssh.port) == ("root", "build", 2222)
    assert found(tmp_path, host="ssh://build/run/user/1000/docker.sock").socket == Path("/run/user/1000/docker.sock")


@pytest.mark.parametrize("host", ["tcp://", "ssh://", "tcp://host:port", "tcp://[::1", "nothing"])
def test_a_host_that_is_no_address_is_refused_with_what_to_write(tmp_path: Path, host: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        found(tmp_path, {"DOCKER_HOST": host})
    assert "DOCKER_HOST" in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize("scheme", ["ssh", "tcp"])
def test_a_password_in_a_host_is_refused_and_not_repeated(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        found(tmp_path, host=f"{scheme}://root:hunter2@build")
    assert "hunter2" not in str(caught.value)


def test_a_context_brings_its_host_and_tls_files(tmp_path: Path, nobodys_machine: Path) -> None:
    tls = make_context(nobodys_machine, "prod", "tcp://prod:2376", files=("ca.pem", "cert.pem", "key.pem"))
    endpoint = found(tmp_path, context="prod")
    assert endpoint.address == ("prod", 2376)
    assert endpoint.tls == Tls(tls / "ca.pem", tls / "cert.pem", tls / "key.pem")


def test_an_unknown_context_is_refused_with_those_there_are(tmp_path: Path, nobodys_machine: Path) -> None:
    make_context(nobodys_machine, "prod", "tcp://prod:2376")
    with pytest.raises(Misconfigured, match="known: prod"):
        found(tmp_path, context="prd")


def test_the_contexts_of_the_docker_command_itself_are_understood(tmp_path: Path, nobodys_machine: Path) -> None:
    authority = Authority(tmp_path)
    ours = authority.issue("client")
    material = f"ca={authority.cert},cert={ours.cert},key={ours.key}"
    docker = ["docker", "context"]
    try:
        subprocess.run([*docker, "create", "lab", "--docker", f"host=tcp://lab:2376,{material}"], check=True)
    except FileNotFoundError:
        pytest.skip("there is no docker command")
    subprocess.run([*docker, "use", "lab"], check=True)
    endpoint = found(tmp_path)
    assert endpoint.origin == "context lab"
    assert endpoint.address == ("lab", 2376)
    assert endpoint.tls is not None
    assert endpoint.tls.key is not None
    assert endpoint.tls.key.read_bytes() == ours.key.read_bytes()


def test_without_settings_it_is_the_engine_that_docker_would_use(tmp_path: Path, nobodys_machine: Path) -> None:
    make_context(nobodys_machine, "prod", "ssh://prod")
    (nobodys_machine / ".docker/config.json").write_text('{"currentContext": "prod"}')
    assert found(tmp_path, {"DOCKER_HOST": "tcp://build"}).address == ("build", 2375)
    assert found(tmp_path).origin == "context prod"
    assert found(tmp_path, {"DOCKER_CONTEXT": "default"}).origin == "this machine's socket"
    assert found(tmp_path, context="default").origin == "this machine's socket"


def test_docker_tls_verify_and_cert_path_are_honoured(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    environ = {"DOCKER_HOST": "tcp://b", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    endpoint = found(tmp_path, environ)
    assert endpoint.address == ("b", 2376)
    assert endpoint.tls == Tls(tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem")


def test_discovery_finds_environment_contexts_and_sockets(
    nobodys_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_context(nobodys_machine, "prod", "tcp://prod:2376")
    make_context(nobodys_machine, "lab", "ssh://lab")
    (nobodys_machine / ".docker/config.json").write_text('{"currentContext": "lab"}')
    rootless = nobodys_machine / "run"
    rootless.mkdir()
    (rootless / "docker.sock").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(rootless))
    sources = {source.options.get("context") or source.options["host"]: source for source in PROVIDER.discover()}
    assert sources["lab"].suggested
    assert not sources["prod"].suggested
    assert f"unix://{rootless}/docker.sock" in sources
    monkeypatch.setenv("DOCKER_HOST", "tcp://build")
    sources = {source.options.get("context") or source.options["host"]: source for source in PROVIDER.discover()}
    assert [name for name, source in sources.items() if source.suggested] == ["tcp://build"]
    for source in sources.values():
        DockerOptions(**source.options)


def test_discovery_survives_broken_files(nobodys_machine: Path) -> None:
    meta = make_context(nobodys_machine, "broken", "x").parents[2] / "meta"
    next(meta.glob("*/meta.json")).write_text("{")
    (nobodys_machine / ".docker/config.json").write_text("[]")
    assert all("context" not in source.options for source in PROVIDER.discover())


def test_the_sdk_is_not_imported_before_something_needs_it() -> None:
    code = (
        "import sys, calmtui.providers.docker as d; d.PROVIDER.discover(); heavy = {'docker', 'requests', 'pydantic'};"
        "print(sorted(heavy & set(sys.modules))); import calmtui.providers.docker.source;"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, text=True, capture_output=True)
    assert done.stdout.splitlines() == ["[]", "[]"]
