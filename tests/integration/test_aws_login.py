"""Who we are to AWS: profiles, keys, roles and what goes wrong with them; and what connecting costs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from calmtui.fleet.source import Health
from calmtui.providers.aws import PROVIDER
from calmtui.providers.aws.connect import READ_SECONDS
from calmtui.providers.aws.options import AwsOptions
from calmtui.providers.base import (
    Opening,
)
from tests.conftest import Moto
from tests.integration.aws_live import IRELAND, VIRGINIA, gathered, launch, source, until
from tests.lab.aws_proxy import WRONG_KEY, AwsProxy


@pytest.fixture
def enforced(moto: Moto) -> Iterator[None]:
    """moto checks keys from now on, for one test."""

    def set_count(count: str) -> str:
        request = urllib.request.Request(
            f"{moto.url}/moto-api/reset-auth", count.encode(), {"Content-Type": "text/plain"}
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(json.load(response)["PREVIOUS_INITIAL_NO_AUTH_ACTION_COUNT"])

    before = set_count("0")
    yield
    set_count(before)


@pytest.mark.usefixtures("enforced")
async def test_keys_that_aws_does_not_know_make_the_source_stale_with_what_to_do(moto: Moto) -> None:
    async with gathered(source(moto.url)) as fleet:
        status = fleet.sources["cloud"]
        assert status.health is Health.STALE
        assert "AuthFailure" in status.error
        assert "keys of the profile" in status.error
        assert "testing" not in status.error


async def test_when_every_region_refuses_the_source_has_failed_and_keeps_what_it_knew(
    proxy: AwsProxy, moto: Moto
) -> None:
    launch(moto, IRELAND, "web-01")
    async with gathered(source(proxy.url, poll_seconds=0.3)) as fleet:
        proxy.rule = lambda region, action: WRONG_KEY
        await until(lambda: fleet.sources["cloud"].health is Health.STALE)
        assert [node.name for node in fleet if node.kind == "instance"] == ["web-01"]


def write_profile(home: Path, name: str, config: str, **keys: str) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    with (home / ".aws" / "config").open("a") as file:
        file.write(f"[profile {name}]\n{config}\n")
    with (home / ".aws" / "credentials").open("a") as file:
        file.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))


async def test_two_profiles_see_two_accounts(moto: Moto, nobodys_machine: Path) -> None:
    launch(moto, IRELAND, "ours")
    sts = boto3.client("sts", region_name=IRELAND, endpoint_url=moto.url)
    role = sts.assume_role(RoleArn="arn:aws:iam::222233334444:role/ops", RoleSessionName="test")["Credentials"]
    theirs = {"aws_access_key_id": role["AccessKeyId"], "aws_secret_access_key": role["SecretAccessKey"],
              "aws_session_token": role["SessionToken"]}  # fmt: skip
    foreign = boto3.client("ec2", region_name=VIRGINIA, endpoint_url=moto.url, **theirs)
    foreign.run_instances(ImageId="ami-12c6146b", MinCount=2, MaxCount=2)
    write_profile(
        nobodys_machine, "here", f"region = {IRELAND}", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    write_profile(nobodys_machine, "there", f"region = {VIRGINIA}", **theirs)
    async with (
        gathered(source(moto.url, profile="here", regions=None)) as mine,
        gathered(source(moto.url, profile="there", regions=None)) as others,
    ):
        assert [node.name for node in mine if node.kind == "instance"] == ["ours"]
        assert {node.facts["account"] for node in others} == {"222233334444"}
        assert [node.name for node in others if node.kind == "region"] == [VIRGINIA]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"profile": "prdo"}, ["prdo", "list-profiles"]),
        ({"profile": "keyless"}, ["credentials", "aws configure --profile keyless"]),
        ({"profile": "half"}, ["aws_secret_access_key", "aws configure"]),
        ({"profile": "sso"}, ["aws sso login --profile sso"]),
        ({"profile": "regionless", "regions": None}, ["region"]),
    ],
)
async def test_a_profile_that_cannot_work_says_what_to_do(
    moto: Moto, nobodys_machine: Path, options: dict[str, Any], told: list[str]
) -> None:
    write_profile(nobodys_machine, "keyless", "region = eu-west-1")
    write_profile(nobodys_machine, "half", "", aws_access_key_id="AKIAEXAMPLE")
    write_profile(nobodys_machine, "regionless", "", aws_access_key_id="a", aws_secret_access_key="b")
    write_profile(nobodys_machine, "sso", "sso_start_url = https://corp.example\nsso_region = eu-west-1\n"
                  "sso_account_id = 1\nsso_role_name = ops")  # fmt: skip
    async with gathered(source(moto.url, **options)) as fleet:
        assert fleet.sources["cloud"].health is Health.STALE
        for words in told:
            assert words in fleet.sources["cloud"].error


async def test_a_role_with_mfa_asks_the_operator_and_not_the_terminal(
    moto: Moto, nobodys_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    write_profile(nobodys_machine, "base", "", aws_access_key_id="testing", aws_secret_access_key="testing")
    write_profile(
        nobodys_machine, "ops", "role_arn = arn:aws:iam::222233334444:role/ops\nsource_profile = base\n"
        f"mfa_serial = arn:aws:iam::123456789012:mfa/ana\nregion = {IRELAND}",
    )  # fmt: skip
    asked = []

    async def ask(prompt: str) -> str | None:
        asked.append(prompt)
        return "123456"

    async with gathered(source(moto.url, profile="ops", ask=ask)) as fleet:
        assert fleet.sources["cloud"].health is Health.LIVE
    assert len(asked) == 1, "once for all regions"
    assert "mfa/ana" in asked[0]
    async with gathered(source(moto.url, profile="ops")) as fleet:
        assert fleet.sources["cloud"].health is Health.STALE
        assert "MFA" in fleet.sources["cloud"].error


async def test_a_region_that_is_misspelt_is_said_with_the_one_that_was_meant(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9")  # as good as a name that does not resolve
    misspelt = PROVIDER.open(Opening("cloud", AwsOptions(regions=["eu-wset-1"]), Path.cwd()))
    async with gathered(misspelt) as fleet:
        assert "did you mean eu-west-1?" in fleet.sources["cloud"].error


def test_an_endpoint_that_never_answers_does_not_keep_the_program_from_ending(moto: Moto, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        program = tmp_path / "program.py"
        program.write_text(_PROGRAM.format(port=silent.getsockname()[1]))
        begun = time.monotonic()
        done = subprocess.run([sys.executable, program], text=True, capture_output=True, timeout=60)
        took = time.monotonic() - begun
    assert done.stdout == "asked\n", done.stderr
    assert took < READ_SECONDS / 2


_PROGRAM = """
import asyncio
import threading
from pathlib import Path
from calmtui.fleet.fleet import Fleet
from calmtui.providers.aws import PROVIDER
from calmtui.providers.base import Opening
from calmtui.providers.gather import Gatherer

async def main():
    options = PROVIDER.options()(regions=["eu-west-1"], endpoint_url="http://127.0.0.1:{port}")
    source = PROVIDER.open(Opening("cloud", options, Path.cwd()))
    async with Gatherer(Fleet(), [source]):
        while "aws cloud eu-west-1" not in [thread.name for thread in threading.enumerate()]:
            await asyncio.sleep(0.02)
        print("asked", flush=True)

asyncio.run(main())
"""


def test_importing_the_provider_costs_no_sdk() -> None:
    heavy = ["boto3", "botocore", "pydantic", "mypy_boto3_ec2"]
    program = (
        "import sys; from calmtui.providers.aws import PROVIDER; PROVIDER.actions; PROVIDER.discover(); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], text=True, capture_output=True).stdout == "[]\n"
