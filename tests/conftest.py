"""What every test gets: a home of its own, and the lab's backends on demand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.lab.docker import DockerEngine
    from tests.lab.fleet import SshFleet
    from tests.lab.kube import Kube
    from tests.lab.postgres import Postgres

_FOREIGN = ("AWS_", "DOCKER_", "KUBE", "SSH_", "XDG_", "PG", "CALMTUI_", "NO_COLOR", "TEXTUAL")
_LAB = ("CALMTUI_LAB", "CALMTUI_LAB_SSH_PORT", "CALMTUI_REQUIRE_LAB", "KUBE_BINARIES", "KUBEBUILDER_ASSETS")
_SNAPSHOTS = "TEXTUAL_SNAPSHOT_TEMPDIR"  # pytest-textual-snapshot puts its report there
_UNIT = Path(__file__).parent / "unit"

# A busy machine is no failure, and the gate draws the same examples every time: HYPOTHESIS_PROFILE=default draws anew.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.fixture(autouse=True)
def nobodys_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The developer's own home, keys, contexts and profiles are out of reach, for child processes too."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) and name not in (*_LAB, _SNAPSHOTS):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name, folder in (
        ("CONFIG", ".config"),
        ("STATE", ".local/state"),
        ("CACHE", ".cache"),
        ("DATA", ".local/share"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return home


def pytest_itemcollected(item: pytest.Item) -> None:
    """One worker of a parallel run owns the engine and the cluster, which exist once on a machine.

    What shares the machine with real servers may be tried once more; pytest's summary counts every rerun.
    """
    wanted = set(getattr(item, "fixturenames", ()))
    if wanted & {"docker_engine", "kube"}:
        item.add_marker(pytest.mark.xdist_group("engine"))
    if wanted & {"docker_engine", "kube", "ssh_fleet", "postgres_server"}:
        item.add_marker(pytest.mark.lab)
    if _UNIT not in item.path.parents:
        item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def ssh_fleet(worker_id: str) -> Iterator[SshFleet]:
    """24 OpenSSH servers; each worker of a parallel run has its own."""
    from tests.lab.fleet import FIRST_PORT, SshFleet
    from tests.lab.place import LAB

    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    fleet = SshFleet(24, folder=LAB / f"fleet-{worker_id}", first_port=FIRST_PORT + 100 * number)
    try:
        yield fleet.up()
    finally:
        fleet.down()


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    """A Docker engine."""
    from tests.lab.docker import DockerEngine

    engine = DockerEngine().start()
    yield engine
    engine.down()


@pytest.fixture(scope="session")
def postgres_server(worker_id: str) -> Iterator[Postgres]:
    """A PostgreSQL server; each worker of a parallel run has its own."""
    from tests.lab.place import LAB
    from tests.lab.postgres import Postgres

    server = Postgres(LAB / f"postgres-{worker_id}").up()
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server: Postgres) -> str:
    """The URL of an empty database."""
    return postgres_server.database()


@pytest.fixture(scope="session")
def kube(docker_engine: DockerEngine) -> Iterator[Kube]:
    """A Kubernetes cluster, its pods in the Docker engine."""
    from tests.lab.kube import Kube

    cluster = Kube().start()
    yield cluster
    cluster.down()


class Moto:
    """moto's EC2 behind real HTTP; empty at the beginning of each test."""

    def __init__(self, url: str) -> None:
        self.url = url


@pytest.fixture(scope="session")
def _moto_server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(_moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Moto:
    """An AWS account that exists for one test, with credentials in the environment."""
    import urllib.request

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    reset = urllib.request.Request(f"{_moto_server}/moto-api/reset", method="POST")
    with urllib.request.urlopen(reset, timeout=10):
        return Moto(_moto_server)
