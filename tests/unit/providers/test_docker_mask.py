"""No secret of a container reaches the screen."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.base import MASK
from calmtui.providers.docker import mask

SECRETS = st.text(string.ascii_letters + string.digits, min_size=8, max_size=20).map(lambda text: f"zq{text}")
NAMES = st.sampled_from(
    ["DB_PASSWORD", "MYSQL_ROOT_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "API_KEY", "SENTRY_DSN", "X_AUTH"]
)


@given(NAMES, SECRETS, SECRETS)
def test_secrets_are_masked_wherever_an_inspection_shows_them(name: str, secret: str, more: str) -> None:
    option = "--" + name.lower().replace("_", "-")
    described = mask.described(
        {
            "Config": {
                "Env": [f"{name}={secret} {more}", f"DATABASE_URL=postgres://app:{secret}@db/app", "PORT=80"],
                "Cmd": ["serve", option, secret, f"{option}={secret}", "--verbose"],
                "Entrypoint": ["sh", "-c", f"export {name}={secret}; exec serve"],
                "Labels": {name.lower(): secret, "settings": json.dumps({name.lower(): secret})},
            },
            "HostConfig": {"LogConfig": {"Config": {"splunk-token": secret, "tag": "web"}}},
        }
    )
    text = json.dumps(described)
    assert secret not in text
    assert more not in text
    config = described["Config"]
    assert config["Env"][0] == f"{name}={MASK}"
    assert config["Env"][2] == "PORT=80"
    assert config["Cmd"][-1] == "--verbose"
    assert described["HostConfig"]["LogConfig"]["Config"]["tag"] == "web"


@pytest.mark.parametrize(
    "plain", ["PATH=/usr/bin:/bin", "KEYBOARD=de", "AUTHOR=me", "COMPASS=north", "nginx -g 'daemon off;'", "sleep 100"]
)
def test_what_is_no_secret_stays_readable(plain: str) -> None:
    assert mask.described([plain]) == [plain]
    assert mask.text(plain) == plain


def test_the_host_of_a_url_stays_readable() -> None:
    assert mask.text("redis://:hunter2@cache:6379/0") == f"redis://:{MASK}@cache:6379/0"
