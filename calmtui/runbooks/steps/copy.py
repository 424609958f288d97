"""`copy`: a file, or a text, put in its place on each node."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from calmtui.actions.copy import Packed, send
from calmtui.actions.outcome import Status
from calmtui.providers.base import Danger
from calmtui.runbooks import template
from calmtui.runbooks.fields import Strict
from calmtui.runbooks.steps.step import EachStep, Effect, Result, retried

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.runbooks.steps.doing import Doing


class Copy(Strict):
    """What goes where."""

    from_: Annotated[str | None, Field(alias="from")] = None
    """A file, relative to the estate. The plan binds what it holds."""
    content: str | None = None
    """A text instead: `{{ NAME }}` and `{{ node.NAME }}` are put in as they are."""
    to: str
    """The path of the file on the node; the folder has to be there. It takes the place of what is there at once."""
    mode: Annotated[str, Field(pattern="^0?[0-7]{3,4}$")] = "0644"
    """Its mode."""

    @model_validator(mode="after")
    def _one(self) -> Copy:
        if (self.from_ is None) == (self.content is None):
            raise ValueError("not one thing to copy; write one of 'from', 'content'")
        if self.to.endswith("/"):
            raise ValueError("'to' is a folder; write the path of the file")
        return self


class CopyStep(EachStep):
    """A file on each node: whole or not at all, checked by SHA-256, unchanged where it is so already."""

    copy_: Annotated[Copy, Field(alias="copy")]
    """What goes where."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often to try again where it failed."""

    def files(self) -> tuple[str, ...]:
        """The file, where it is one."""
        return (self.copy_.from_,) if self.copy_.from_ is not None else ()

    def said(self, filled: Mapping[str, str]) -> str:
        """What goes where."""
        copy = self.copy_
        if copy.content is not None:
            text = template.text(copy.content, filled)
            what = f"{len(text.encode()):,} bytes (sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]})"
        else:
            what = template.text(copy.from_ or "", filled)
        return f"copy {what} to {template.text(copy.to, filled)}, mode {copy.mode}"

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """A file may change anything."""
        return Effect(Danger.CONFIRM, frozenset({"copy"}))

    async def do(self, doing: Doing) -> Result:
        """Put it there, unless it is; to do that again is harmless."""
        with tempfile.TemporaryDirectory(prefix="calmtui-") as work:
            packed = await self._packed(doing, Path(work))
            target = template.text(self.copy_.to, doing.filled)
            if await _is_there(doing, packed, target):
                if doing.before is not None:
                    return Result(Status.OK, "it was interrupted; looked up: it is there")
                return Result(Status.UNCHANGED, f"sha256 {packed.sha256[:12]} is there")

            async def attempt() -> Result:
                await send(doing.live, doing.node, packed, target)
                return Result(Status.OK, f"{packed.size:,} bytes, sha256 {packed.sha256[:12]}")

            return await retried(self.retries, attempt)

    async def _packed(self, doing: Doing, work: Path) -> Packed:
        if self.copy_.content is not None:
            text = template.text(self.copy_.content, doing.filled).encode()
            path = work / "content"
            await asyncio.to_thread(path.write_bytes, text)
            size, sha256 = len(text), hashlib.sha256(text).hexdigest()
        else:
            name = template.text(self.copy_.from_ or "", doing.filled)
            path = await doing.file(name)
            size, sha256 = path.stat().st_size, doing.step.files[name]
        return Packed(path, "file", path.name, self.copy_.mode.lstrip("0"), size, sha256)


async def _is_there(doing: Doing, packed: Packed, target: str) -> bool:
    """Whether the file is there as it shall be. Raises CalmError."""
    place = quote(target)
    answer = await doing.asked(f"[ -f {place} ] && stat -c %a {place} && sha256sum <{place}")
    return answer.status == 0 and answer.output.split()[:2] == [packed.mode, packed.sha256]
