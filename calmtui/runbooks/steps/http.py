"""`http`: a request to some other service, from where the run is carried out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from calmtui.actions.outcome import Status
from calmtui.errors import OutcomeUnknown
from calmtui.fleet.moment import seconds
from calmtui.providers.base import Danger
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Statuses, Strict, Value
from calmtui.runbooks.steps import looking
from calmtui.runbooks.steps.step import CHANGES_NOTHING, EachStep, Effect, OnceStep, Result, retried

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.runbooks.steps.doing import Batch, Doing

READS = ("GET", "HEAD")
"""What changes nothing."""
HARMLESS = (*READS, "PUT", "DELETE")
"""What comes to the same when it is done again (RFC 9110, 9.2.2)."""


class Http(Strict):
    """A request."""

    url: str
    """Where to: `https://deploys.example/api/marks`."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """What is done there."""
    headers: dict[str, Value] = {}
    """Headers. Secrets may stand here: `{Authorization: "Bearer {{ token }}"}`."""
    body: str | None = None
    """What is sent. Where it is JSON, values are put into its texts as JSON wants them; else as they stand."""
    status: Statuses = [200, 201, 202, 204]
    """The statuses that mean success."""
    contains: str = ""
    """A text that the answer has to hold."""
    each: bool = False
    """Whether it is done for each node by itself; else once for a batch."""
    repeatable: bool = False
    """Whether a POST or PATCH is harmless when it is done again, should it not be known whether it was done."""


class HttpStep(EachStep, OnceStep):
    """A request to some other service, once for a batch or for each node."""

    http: Http
    """The request."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often to try again where it failed."""
    timeout: Length = "30s"
    """How long each try may take."""

    @property
    def once(self) -> bool:
        """Unless it is done for each node."""
        return not self.http.each

    def said(self, filled: Mapping[str, str]) -> str:
        """What is asked for."""
        return f"{self.http.method} {template.text(self.http.url, filled)}"

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """Whatever is more than to read may change something."""
        return CHANGES_NOTHING if self.http.method in READS else Effect(Danger.CONFIRM, frozenset({"http"}))

    async def do(self, doing: Doing) -> Result:
        """Ask for a node."""
        return await self._do(doing.filled, again=doing.before is not None)

    async def do_once(self, batch: Batch) -> Result:
        """Ask for a batch."""
        return await self._do(batch.filled, again=batch.before is not None)

    async def _do(self, filled: Mapping[str, str], *, again: bool) -> Result:
        harmless = self.http.repeatable or self.http.method in HARMLESS
        if again and not harmless:
            return Result(Status.UNKNOWN, "it was interrupted: it may have been asked for, and nothing tells whether")
        result = await retried(self.retries, lambda: self._try(filled, harmless=harmless))
        if again:
            result = replace(result, detail=f"repeated, which is harmless; {result.detail}")
        return result

    async def _try(self, filled: Mapping[str, str], *, harmless: bool) -> Result:
        request = looking.Request(
            template.text(self.http.url, filled),
            self.http.method,
            {name: template.text(value, filled) for name, value in self.http.headers.items()},
            None if self.http.body is None else _body(self.http.body, filled),
        )
        try:
            answer = await looking.ask(request, seconds(self.timeout) or 30.0)
        except looking.NoAnswer as error:
            if error.sent and not harmless:
                raise OutcomeUnknown(str(error)) from None
            return Result(Status.FAILED, str(error))
        trouble = answer.trouble(self.http.status, template.text(self.http.contains, filled))
        status = Status.FAILED if trouble else Status.OK
        return Result(status, trouble or f"status {answer.status}", answer.shown)


def _body(text: str, filled: Mapping[str, str]) -> str:
    try:
        return json.dumps(_filled(json.loads(text), filled))
    except ValueError:
        return template.text(text, filled)


def _filled(value: Any, filled: Mapping[str, str]) -> Any:
    """A value of JSON, its texts filled."""
    if isinstance(value, str):
        return template.text(value, filled)
    if isinstance(value, dict):
        return {key: _filled(item, filled) for key, item in value.items()}
    return [_filled(item, filled) for item in value] if isinstance(value, list) else value
