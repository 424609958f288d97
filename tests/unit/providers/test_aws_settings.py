"""Discovery of profiles, and the settings of a source."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from calmtui.providers.aws import PROVIDER
from calmtui.providers.aws.options import AwsOptions
from calmtui.providers.base import Misconfigured, Opening

CONFIG = """
[default]
region = eu-west-1
[profile prod]
sso_session = corp
region = us-east-1
[sso-session corp]
sso_start_url = https://corp.example
[services local]
ec2 =
  endpoint_url = http://127.0.0.1
"""
CREDENTIALS = """
[default]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = not-to-be-told
[staging]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = 50%off
"""


def write_profiles(home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(CONFIG)
    (home / ".aws" / "credentials").write_text(CREDENTIALS)


def test_profiles_of_both_files_are_found_and_the_usual_one_is_suggested(nobodys_machine: Path) -> None:
    write_profiles(nobodys_machine)
    found = PROVIDER.discover()
    assert {source.name: (source.options["profile"], source.suggested) for source in found} == {
        "aws": ("default", True),
        "aws-prod": ("prod", False),
        "aws-staging": ("staging", False),
    }
    assert found[0].note == "eu-west-1"
    assert "not-to-be-told" not in repr(found)
    for source in found:
        AwsOptions.model_validate(source.options)


def test_aws_profile_says_which_one_to_suggest(nobodys_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_profiles(nobodys_machine)
    monkeypatch.setenv("AWS_PROFILE", "prod")
    assert [source.name for source in PROVIDER.discover() if source.suggested] == ["aws-prod"]


def test_keys_in_the_environment_are_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PROVIDER.discover() == []
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-to-be-told")
    (found,) = PROVIDER.discover()
    assert (found.options, found.suggested) == ({}, True)
    assert "no region" in found.note


@pytest.mark.parametrize("text", ["[profile", "\0", "key = value without a section"])
def test_a_broken_file_is_not_discoverys_to_complain_about(nobodys_machine: Path, text: str) -> None:
    (nobodys_machine / ".aws").mkdir()
    (nobodys_machine / ".aws" / "config").write_text(text)
    assert PROVIDER.discover() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"regions": []},
        {"regions": "some"},
        {"regions": ["eu west 1"]},
        {"regions": ["-"]},
        {"endpoint_url": "127.0.0.1:5000"},
        {"poll_seconds": 0},
        {"profil": "prod"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AwsOptions.model_validate(wrong)


def test_a_region_named_twice_is_listed_once() -> None:
    assert AwsOptions(regions=["eu-west-1", "eu-west-1"]).regions == ["eu-west-1"]


def test_every_setting_explains_itself() -> None:
    for name, field in AwsOptions.model_fields.items():
        assert field.description, name


def test_a_file_that_is_not_there_is_said_before_connecting(tmp_path: Path) -> None:
    options = AwsOptions(credentials_file=Path("nowhere"))
    with pytest.raises(Misconfigured, match=r"credentials_file .*nowhere is not there"):
        PROVIDER.open(Opening("cloud", options, tmp_path))
