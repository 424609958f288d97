"""No secret of a container reaches the screen."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui import masks
from calmtui.providers.base import MASK

SECRETS = st.text(string.ascii_letters + string.digits, min_size=8, max_size=20).map(lambda text: f"zq{text}")
NAMES = st.sampled_from(
    ["DB_PASSWORD", "MYSQL_ROOT_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "API_KEY", "SENTRY_DSN", "X_AUTH"]
)


@given(NAMES, SECRETS, SECRETS)
def test_secrets_are_masked_wherever_an_inspection_shows_them(name: str, secret: str, more: str) -> None:
    option = "--" + name.lower().replace("_", "-")
    described = masks.described(
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
    assert masks.described([plain]) == [plain]
    assert masks.text(plain) == plain


def test_the_host_of_a_url_stays_readable() -> None:
    assert masks.text("redis://:hunter2@cache:6379/0") == f"redis://:{MASK}@cache:6379/0"


@pytest.mark.parametrize("name", ["secretName", "POSTGRES_PASSWORD_FILE", "token-path"])
def test_where_a_secret_is_kept_stays_readable(name: str) -> None:
    assert masks.described({name: "db-credentials"}) == {name: "db-credentials"}


LOOKS_REAL = (  # made up, in the shapes that their makers document
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11ABCDEFG0" * 4,
    "glpat-" + "xY9_" * 5,
    "xoxb-123456789012-abcdefABCDEF",
    "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "AIza" + "SyA1b2C3d4" * 4,
    "hvs." + "CAESIJ" * 5,
    "npm_" + "abcdEFGH1234" * 3,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpM",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
)


@pytest.mark.parametrize("token", LOOKS_REAL)
@pytest.mark.parametrize("around", ["{}", "deploy --with {} --now", "the answer was '{}'.", '{{"field": "{}"}}'])
def test_a_token_of_a_known_shape_is_masked_wherever_it_stands(token: str, around: str) -> None:
    shown = masks.text(around.format(token))
    assert token not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "command",
    [
        "mysql -uroot -phunter2 shop",
        "curl -u admin:hunter2 https://intranet/api",
        "curl -H 'Authorization: Bearer hunter2hunter2' https://intranet",
        "PGPASSWORD=hunter2 psql shop",
        "export DB_PASSWORD='hunter2'; run",
        "vault login token=hunter2",
        "app --db-password hunter2 --verbose",
        "echo 'password: hunter2' > /etc/app.yaml",
        "aws configure set aws_secret_access_key hunter2",
    ],
)
def test_a_password_in_a_command_is_masked(command: str) -> None:
    assert "hunter2" not in masks.text(command)
