"""`calmtui doctor`: what was found, what can be reached, what is wrong and how to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from calmtui.cli.diagnostics import ExitCode
from calmtui.cli.findings import Finding, Level, about_agent, about_program, about_settings, about_store, about_terminal
from calmtui.cli.printing import out, out_json, styled

if TYPE_CHECKING:
    from calmtui.estate.model import Estate
    from calmtui.fleet.fleet import Fleet
    from calmtui.fleet.source import SourceStatus

_STYLES = {Level.FINE: "fine", Level.NOTE: "quiet", Level.WARNING: "warning", Level.TROUBLE: "trouble"}


def doctor(inventory: Path | None, json: bool, wait: float) -> int:
    """Look at everything, print it, and return what to exit with.

    1: something is in trouble; 2: the settings or the estate file are wrong. Sources get `wait` seconds to answer.
    """
    found = asyncio.run(examine(inventory, wait))
    if json:
        out_json({"findings": [finding.as_json() for finding in found]})
    else:
        out("\n".join(_lines(found)))
    if any(finding.subject in ("settings", "estate") and finding.level is Level.TROUBLE for finding in found):
        return ExitCode.WRONG_USE
    return ExitCode.FAILED if any(finding.level is Level.TROUBLE for finding in found) else ExitCode.FINE


async def examine(inventory: Path | None, wait: float) -> list[Finding]:
    """Everything there is to say, in the order to say it."""
    from calmtui.errors import UsageError
    from calmtui.estate.problems import EstateError
    from calmtui.estate.settings import settings

    found = [*about_program(), *about_terminal(), *about_store(), *about_settings(), *about_agent()]
    try:
        chosen = inventory or settings().inventory
    except EstateError:  # said by `about_settings`
        chosen = inventory
    found += _about_discovery()
    try:
        estate = _load(chosen)
    except EstateError as error:
        return found + [Finding(Level.TROUBLE, "estate", str(problem)) for problem in error.problems]
    except UsageError as error:
        return [*found, Finding(Level.TROUBLE, "estate", str(error))]
    where = str(estate.path) if estate.path else "what this machine is set up for; `-i` names another"
    found.append(Finding(Level.FINE, "estate", f"{estate.name}: {len(estate.sources)} sources, from {where}"))
    return found + await _about_sources(estate, wait)


def _load(inventory: Path | None) -> Estate:
    from calmtui.estate.load import load_estate  # pydantic takes 0.1 s

    return load_estate(inventory)


def _about_discovery() -> Iterator[Finding]:
    from calmtui import providers
    from calmtui.estate.discover import discover

    found = discover()
    for kind in providers.names():
        try:
            providers.load(kind)
        except (ImportError, AttributeError) as error:
            yield Finding(
                Level.TROUBLE, "found here", f"provider {kind} cannot be imported: {error}", "install it again"
            )
            continue
        items = [item for item in found if item.provider == kind]
        if not items:
            yield Finding(Level.NOTE, "found here", f"{kind}: nothing is set up for it")
            continue
        names = ", ".join(f"{item.name} ({item.discovered.found_in})" for item in items[:6])
        more = f" and {len(items) - 6} more" if len(items) > 6 else ""
        yield Finding(Level.FINE, "found here", f"{kind}: {names}{more}")
        for item in items:
            if item.error:
                yield Finding(Level.WARNING, "found here", f"{kind} {item.name}: {item.error}")


async def _about_sources(estate: Estate, wait: float) -> list[Finding]:
    from calmtui.estate.live import LiveEstate

    async with LiveEstate(estate) as live:
        await live.gatherer.settled(wait)
        return [
            finding for status in live.fleet.sources.values() for finding in _about_source(status, live.fleet, wait)
        ]


def _about_source(status: SourceStatus, fleet: Fleet, wait: float) -> Iterator[Finding]:
    from calmtui.fleet.source import Health

    subject = f"source {status.name}"
    nodes = sum(node.source == status.name for node in fleet)
    answer = f"{status.kind}: {nodes} nodes in {status.took_ms} ms"
    match status.health:
        case Health.LIVE:
            yield Finding(Level.FINE, subject, answer)
        case Health.PARTIAL:
            yield Finding(Level.WARNING, subject, f"{answer}, but not all of it answers")
            for scope, error in sorted(status.scopes.items()):
                yield Finding(Level.TROUBLE, subject, f"{scope}: {error}" if scope else error)
        case Health.OFF:
            yield Finding(Level.NOTE, subject, f"{status.kind}: switched off")
        case Health.CONNECTING:
            mend = "look at the network on the way to it, or give it longer with --wait"
            yield Finding(Level.TROUBLE, subject, f"{status.kind}: no answer in {wait:g} s", mend)
        case Health.STALE:
            yield Finding(Level.TROUBLE, subject, f"{status.kind}: {status.error}")


def _lines(found: list[Finding]) -> Iterator[str]:
    subject = ""
    for finding in found:
        if finding.subject != subject:
            subject = finding.subject
            yield styled(subject, "head")
        sign = styled(f"{finding.level.value:<8}", _STYLES[finding.level])
        yield f"  {sign} {finding.text}"
        if finding.mend:
            yield f"  {'':<8} → {finding.mend}"
    count = sum(finding.level is Level.TROUBLE for finding in found)
    yield "all is well" if not count else f"{count} in trouble"
