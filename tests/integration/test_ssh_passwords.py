"""Passwords and questions of a host, against a real SSH server that asks for them (asyncssh's own)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from calmtui.errors import AuthFailed
from calmtui.transport.ssh import Dialer, Target

Answer = Callable[[str], str | None]


class _AsksForPassword(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == "s3 cret"


class _AsksQuestions(asyncssh.SSHServer):
    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [("Password: ", False), ("One-time code: ", False)]

    def validate_kbdint_response(self, username: str, responses: list[str]) -> bool:
        return responses[0] == "s3 cret" and responses[1].isdecimal()


@asynccontextmanager
async def served(server: type[asyncssh.SSHServer], folder: Path) -> AsyncIterator[Target]:
    """A destination that asks for a password, its key known."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    listener = await asyncssh.listen("127.0.0.1", 0, server_factory=server, server_host_keys=[key])
    port = listener.get_port()
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
    try:
        yield Target("127.0.0.1", "ops", port, known_hosts=known, passwords=True)
    finally:
        listener.close()
        await listener.wait_closed()


def answering(answer: Answer) -> tuple[list[str], Dialer]:
    asked: list[str] = []

    async def ask(prompt: str) -> str | None:
        asked.append(prompt)
        return answer(prompt)

    return asked, Dialer(ask)


async def test_a_password_is_asked_for_once_and_used_for_the_next_connection(tmp_path: Path) -> None:
    asked, dialer = answering(lambda prompt: "s3 cret")
    async with served(_AsksForPassword, tmp_path) as target:
        for _ in range(2):
            (await dialer.open(target)).close()
    assert asked == ["Password of ops@127.0.0.1"]
    assert "s3 cret" not in repr(vars(dialer))


async def test_a_wrong_password_is_asked_for_again_and_never_shown(tmp_path: Path) -> None:
    asked, dialer = answering(lambda prompt: "wr0ng")
    async with served(_AsksForPassword, tmp_path) as target:
        with pytest.raises(AuthFailed) as caught:
            await dialer.open(target)
    assert len(asked) == 3
    assert "not accepted" in asked[1]
    assert "wr0ng" not in str(caught.value)


async def test_without_leave_to_ask_nobody_is_asked(tmp_path: Path) -> None:
    asked, dialer = answering(lambda prompt: "s3 cret")
    async with served(_AsksForPassword, tmp_path) as target:
        with pytest.raises(AuthFailed, match="no key was found"):
            await dialer.open(Target(target.host, target.user, target.port, known_hosts=target.known_hosts))
    assert asked == []


async def test_a_hosts_own_questions_are_put_and_a_code_is_asked_for_every_time(tmp_path: Path) -> None:
    asked, dialer = answering(lambda prompt: "s3 cret" if "Password" in prompt else "123456")
    async with served(_AsksQuestions, tmp_path) as target:
        for _ in range(2):
            (await dialer.open(target)).close()
    assert asked == ["Password of ops@127.0.0.1", *["One-time code: (ops@127.0.0.1)"] * 2]
