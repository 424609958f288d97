"""Which AWS profiles this machine is set up for, from files and environment alone; boto3 is not needed."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from calmtui.providers.base import Discovered

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def discover() -> list[Discovered]:
    """One source for each profile, and one for keys in the environment. Never raises."""
    config = Path(os.environ.get("AWS_CONFIG_FILE", "~/.aws/config")).expanduser()
    credentials = Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")).expanduser()
    profiles: dict[str, Discovered] = {}
    chosen = os.environ.get("AWS_DEFAULT_PROFILE") or os.environ.get("AWS_PROFILE") or "default"
    for path, prefix in ((config, "profile "), (credentials, "")):
        for section, values in _sections(path).items():
            # In the configuration a profile's section begins with `profile `; others are services and SSO sessions.
            if section != "default" and not section.startswith(prefix):
                continue
            name = section.removeprefix(prefix).strip().strip("\"'")
            if name not in profiles:
                profiles[name] = _profile(name, path, values.get("region", ""), suggested=name == chosen)
    found = list(profiles.values())
    if all(os.environ.get(key) for key in KEYS):
        found.append(
            Discovered(
                "aws", found_in="AWS_ACCESS_KEY_ID", note=_region_note(""), suggested="AWS_PROFILE" not in os.environ
            )
        )
    return found


def _profile(name: str, path: Path, region: str, *, suggested: bool) -> Discovered:
    source = "aws" if name == "default" else f"aws-{name}"
    return Discovered(source, {"profile": name}, str(path), _region_note(region), suggested)


def _region_note(region: str) -> str:
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "")
    return region or "no region: give it `regions`"


def _sections(path: Path) -> dict[str, dict[str, str]]:
    """The sections of an INI file as far as they can be read; a broken file is botocore's to complain about."""
    parser = configparser.RawConfigParser(strict=False, default_section="\0none")
    try:
        parser.read_string(path.read_text("utf-8", "replace"))
    except (OSError, configparser.Error):
        return {}
    return {section: dict(parser[section]) for section in parser.sections()}
