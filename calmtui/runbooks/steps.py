"""The steps that are done on a node: commands, actions, waiting, and what is done about a step that was interrupted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from calmtui import sanitise
from calmtui.actions import parameters
from calmtui.actions.catalogue import action_of, refusal
from calmtui.actions.execute import acted, replaced
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError, OutcomeUnknown
from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node
from calmtui.fleet.query import compile_query
from calmtui.runbooks import checks, commands, template
from calmtui.runbooks.declared import ActionStep, CheckStep, RunStep, WaitStep
from calmtui.runbooks.journal import Event
from calmtui.runbooks.plan import PlannedNode, PlannedStep

log = logging.getLogger(__name__)

LOOK = 0.25
"""Seconds between two looks at what the fleet says."""
BACK_OFF = 1.0
"""Seconds before the first retry; twice as many before the second, and so on."""


@dataclass(frozen=True)
class Result:
    """What came of a step."""

    status: Status
    detail: str = ""
    output: str = ""


@dataclass(frozen=True)
class Doing:
    """One step on one node."""

    live: LiveEstate
    planned: PlannedNode
    step: PlannedStep
    filled: dict[str, str]
    """All that can be put in, secrets fetched."""
    folder: Path
    """For the files of commands that print much."""
    before: Event | None
    """The beginning of it that has no end in the journal: it may have happened."""
    since: float
    """When the run began with the node, seconds since the epoch."""

    @property
    def node(self) -> Node:
        """The node as it is now. Raises CalmError when it is gone."""
        node = self.live.fleet.get(self.planned.id)
        if node is None:
            raise CalmError("gone", where=self.planned.name)
        if changed := replaced(self.planned.node, node):
            raise CalmError(changed, where=self.planned.name)
        return node

    def selects(self, query: str) -> bool:
        """Whether a query of the runbook selects the node now. Raises QueryError, CalmError."""
        return compile_query(template.query(query, self.filled), around(self.live))(self.node)

    async def command(self, line: str, timeout: float | None = None) -> commands.Answer:
        """Run a line that the runbook writes, with the values put in."""
        declared = self.step.declared
        environment = declared.env if isinstance(declared, RunStep) else {}
        given = {name: template.text(value, self.filled) for name, value in environment.items()}
        line = template.shell(line, self.filled)
        return await commands.run(self.live, self.node, line, given, timeout, self.folder)


async def do(
    live: LiveEstate, planned: PlannedNode, step: PlannedStep, folder: Path, before: Event | None, since: float
) -> Result:
    """Do a step on a node. Raises nothing: what goes wrong is its result."""
    try:
        filled = await asyncio.to_thread(step.filled, planned, masked=False)
        return _clean(await _do(Doing(live, planned, step, filled, folder, before, since)))
    except OutcomeUnknown as error:
        return Result(Status.UNKNOWN, sanitise.word(str(error)))
    except CalmError as error:
        return Result(Status.FAILED, sanitise.word(str(error)))
    except Exception as error:  # a fault of ours is that step's failure, not the end of the others'
        log.exception("step %s on %s", step.key, planned.id)
        text = f"internal error: {type(error).__name__}; the worker's log file has the details"
        return Result(Status.FAILED, text)


def _clean(result: Result) -> Result:
    return replace(result, detail=sanitise.word(result.detail))


async def _do(doing: Doing) -> Result:
    declared = doing.step.declared
    if doing.before is None and declared.when is not None and not doing.selects(declared.when):
        return Result(Status.SKIPPED, f"not {template.query(declared.when, doing.filled)}")
    match declared:
        case RunStep():
            return await _run(doing, declared)
        case ActionStep():
            return await _action(doing, declared)
        case WaitStep():
            return await _wait(doing, declared)
        case CheckStep():
            return await _check(doing, declared)
    raise AssertionError(f"{doing.step.key} is no step of a node")


async def _retried(again: int, attempt: Callable[[], Awaitable[Result]]) -> Result:
    """The first try that does not fail, or the last of them."""
    for number in range(again):
        result = await attempt()
        if result.status is not Status.FAILED:
            return result
        await asyncio.sleep(BACK_OFF * 2**number)
    return await attempt()


# -- commands ---------------------------------------------------------------------------


async def _run(doing: Doing, step: RunStep) -> Result:
    guarded = step.unless is not None or step.creates is not None
    if doing.before is not None and not guarded and not step.repeatable:
        return Result(Status.UNKNOWN, "it was interrupted: it may have happened, and nothing tells whether")
    if guarded and (done := await _guard(doing, step)):
        if doing.before is not None:
            return Result(Status.OK, f"it was interrupted; looked up: {done}")
        return Result(Status.UNCHANGED, done)
    result = await _retried(step.retries, lambda: _tried(doing, step, guarded=guarded))
    if doing.before is not None:
        why = "repeated after check" if guarded else "repeated, which is harmless"
        result = replace(result, detail="; ".join(filter(None, (why, result.detail))))
    return result


async def _guard(doing: Doing, step: RunStep) -> str:
    """Why nothing is to be done; empty: it is."""
    if step.creates is not None:
        path = template.text(step.creates, doing.filled)
        if (await commands.run(doing.live, doing.node, f"test -e {quote(path)}", {}, None, doing.folder)).status == 0:
            return f"{path} is there"
    if step.unless is not None and (await doing.command(step.unless)).status == 0:
        return "so already"
    return ""


async def _tried(doing: Doing, step: RunStep, *, guarded: bool) -> Result:
    try:
        answer = await doing.command(step.run, seconds(step.timeout) if step.timeout else None)
    except OutcomeUnknown as error:
        if guarded and (done := await _guard(doing, step)):
            return Result(Status.OK, f"{error}; looked up: {done}")
        if guarded or step.repeatable:
            return Result(Status.FAILED, str(error))
        raise
    if answer.status in step.expect:
        return Result(Status.OK, answer.last, answer.output)
    ending = "timed out" if answer.status is None else f"exit {answer.status}"
    return Result(Status.FAILED, ": ".join(filter(None, (ending, answer.last))), answer.output)


# -- actions ------------------------------------------------------------------------------


async def _action(doing: Doing, step: ActionStep) -> Result:
    action = action_of(doing.node, step.action, doing.live.actions())
    if action is None:
        return Result(Status.FAILED, f"a {doing.node.kind} has no {step.action}")
    if doing.before is not None and not step.repeatable:
        node = doing.node
        was = doing.before.detail  # its state, where that is known
        if action.reaches is not None and node.state is action.reaches and was not in ("", node.state):
            return Result(Status.OK, f"it was interrupted; looked up: it is {node.state}")
        return Result(Status.UNKNOWN, "it was interrupted: it may have happened, and its state does not tell")
    given = {name: template.text(value, doing.filled) for name, value in step.parameters.items()}
    values = parameters.check(action.parameters, given)

    async def attempt() -> Result:
        node = doing.node
        if action.name not in node.actions and not (action.reaches is not None and node.state is action.reaches):
            return Result(Status.FAILED, refusal(node, action.name))
        try:
            return Result(*await acted(doing.live, node, action, values))
        except OutcomeUnknown:
            raise
        except CalmError as error:
            return Result(Status.FAILED, str(error))

    return await _retried(step.retries, attempt)


# -- looking only: to do it again is harmless --------------------------------------------


async def _wait(doing: Doing, step: WaitStep) -> Result:
    loop = asyncio.get_running_loop()
    wanted, patience = seconds(step.wait.for_) or 0.0, seconds(step.wait.timeout) or 0.0
    began, since = loop.time(), None
    while True:
        now = loop.time()
        node = doing.live.fleet.get(doing.planned.id)
        holds = node is not None and not doing.live.fleet.is_stale(node) and doing.selects(step.wait.query)
        since = (now if since is None else since) if holds else None
        if since is not None and now - since >= wanted:
            return Result(Status.OK, f"after {now - began:.0f} s")
        if now - began > patience:
            is_now = "gone" if node is None else f"it is {node.raw_state or node.state}"
            return Result(Status.FAILED, f"not so within {step.wait.timeout}: {is_now}")
        await asyncio.sleep(LOOK)


async def _check(doing: Doing, step: CheckStep) -> Result:
    async def look() -> Result:
        timeout = seconds(step.timeout) or 0.0
        if step.check.logs is not None:
            timeout += seconds(step.check.logs.window) or 0.0
        try:
            async with asyncio.timeout(timeout):
                return await _looked(doing, step)
        except TimeoutError:
            return Result(Status.FAILED, f"no answer within {timeout:g} s")
        except CalmError as error:
            return Result(Status.FAILED, str(error))

    result = await look()
    for _ in range(step.retries):
        if result.status is Status.OK:
            break
        await asyncio.sleep(seconds(step.interval) or 0.0)
        result = await look()
    return result


async def _looked(doing: Doing, step: CheckStep) -> Result:
    check, filled = step.check, doing.filled
    output = ""
    if check.command is not None:
        answer = await doing.command(check.command)
        trouble = "" if answer.status == 0 else f"exit {answer.status}"
        said, output = answer.last, answer.output
    elif check.query is not None:
        trouble, said = ("" if doing.selects(check.query) else "not selected"), template.query(check.query, filled)
    elif check.tcp is not None:
        trouble, said = await checks.tcp(template.text(check.tcp, filled)), ""
    elif check.http is not None:
        url = template.text(check.http.url, filled)
        trouble, said = await checks.http(url, check.http.status, template.text(check.http.contains, filled)), ""
    else:
        assert check.logs is not None
        trouble, said = await checks.logs(doing.live, doing.node, check.logs, doing.since)
    detail = ": ".join(filter(None, (trouble, said)))
    return Result(Status.FAILED if trouble else Status.OK, detail, output)
