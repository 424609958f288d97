"""The models of an estate file, apart from what each provider adds to its sources.

Imports pydantic, so only `load` and `schema` import this. The docstrings are the descriptions that
editors show (`inventory/estate.schema.json`).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from calmtui.estate.problems import closest
from calmtui.fleet.moment import seconds
from calmtui.fleet.query import QueryError, parse

NAME = r"[A-Za-z0-9][A-Za-z0-9._@+-]*"
"""What an estate and a source may be called: names are parts of node ids, file names and queries."""

RULE_FIELDS = ("kind", "name", "source", "raw_state", "image", "env", "service", "region")
"""The text fields of a node that a rule can take."""
RULE = rf"(?:label\.\S+|{'|'.join(RULE_FIELDS)})"
"""A rule that fills a field of a node."""


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text):
        raise ValueError(f"{text!r} is no name; letters, digits and . _ @ + - after the first")
    return text


def _rule(text: str) -> str:
    if not re.fullmatch(RULE, text):
        near = closest(text, RULE_FIELDS)
        meant = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"{text!r} is no rule; label.KEY or one of {', '.join(RULE_FIELDS)}{meant}")
    return text


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})]
Rule = Annotated[str, AfterValidator(_rule), WithJsonSchema({"type": "string", "pattern": f"^{RULE}$"})]
Rules = Annotated[list[Rule], BeforeValidator(_listed, json_schema_input_type=Rule | list[Rule])]
"""One rule or a list, of which the first that finds something wins."""


GROUP = r"[\w.-]+"
"""What a group may be called, as the query language reads it behind `@`."""


def _group(text: str) -> str:
    if not re.fullmatch(GROUP, text):
        raise ValueError(f"{text!r} is no name of a group; letters, digits and . _ -")
    return text


def _query(text: str) -> str:
    try:
        parse(text)
    except QueryError as error:
        raise ValueError(f"not a query: {error}") from None
    return text


def _wall(at: datetime) -> datetime:
    if at.tzinfo is not None:
        raise ValueError("a time with a zone; write it without, the zone stands in 'zone'")
    return at


def _length(text: str) -> str:
    if not seconds(text):
        raise ValueError(f"{text!r} is no length of time; write 90m, 63h or 14d")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        near = closest(text, available_timezones())
        raise ValueError(f"there is no time zone {text!r}" + (f"; did you mean {near!r}?" if near else "")) from None
    return text


def _recurrence(text: str) -> str:
    from dateutil.rrule import rrulestr

    try:
        if text:
            rrulestr(text, dtstart=datetime(2026, 1, 1))
    except (ValueError, KeyError) as error:
        raise ValueError(f"{text!r} is no recurrence of RFC 5545: {error}; write FREQ=WEEKLY;BYDAY=FR") from None
    return text


GroupName = Annotated[str, AfterValidator(_group), WithJsonSchema({"type": "string", "pattern": f"^{GROUP}$"})]
QueryText = Annotated[str, AfterValidator(_query)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Derive(_Strict):
    """Rules that fill fields of nodes from their labels, tags and other fields. An empty list: no rule."""

    env: Rules | None = None
    """The environment: `[label.env, label.Environment]`. Unset: the labels that the field has agreed on."""
    service: Rules | None = None
    """The service it belongs to: `[label.app, label.Service]`. Unset: the labels that the field has agreed on."""
    region: Rules | None = None
    """Where it is: `[region, label.region]`. Unset: what the provider says, then the usual labels."""


class Defaults(_Strict):
    """What the nodes of a source are where neither a rule nor the provider says."""

    env: str = ""
    """The environment, such as `production`."""
    service: str = ""
    """The service."""
    region: str = ""
    """Where they are, such as `eu-west-1` or `rack-7`."""


class DeclaredSource(_Strict):
    """What every source has, whatever its provider."""

    provider: str
    """The code that speaks to it: aws, docker, kubernetes, ssh, or one that is installed besides."""
    enabled: bool = True
    """Whether to connect to it. `false` keeps it in the file, and in the tree as off."""
    defaults: Defaults = Defaults()
    """What its nodes are where neither a rule nor the provider says: `{env: production}`."""
    site: Name | None = None
    """Where it can be reached from: runs on its nodes go to workers that serve this site. Unset: that of the estate."""


class DeclaredAudit(_Strict):
    """Where the records of the audit trail go besides the ledger: what is kept elsewhere cannot be cut off unseen."""

    file: str = ""
    """A file to append every record to, as a line of JSON."""
    syslog: Annotated[str, Field(pattern=r"^(unix:/.+|udp://[^/\s]+)?$")] = ""
    """`unix:/dev/log`, or `udp://HOST:PORT`."""


class DeclaredFreeze(_Strict):
    """A window of time in which part of the estate is not changed: by people and by runs alike."""

    begins: Annotated[datetime, AfterValidator(_wall)]
    """When the first window begins, as clocks in `zone` show it: `2026-12-20T17:00`."""
    lasts: Annotated[str, AfterValidator(_length), Field(examples=["63h", "14d"])]
    """How long each window lasts: `90m`, `63h`, `14d`."""
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """The time zone: `Europe/Zurich`."""
    recurrence: Annotated[str, AfterValidator(_recurrence)] = ""
    """When it comes again, as RFC 5545 writes it: `FREQ=WEEKLY;BYDAY=FR`. Unset: once."""
    scope: QueryText | None = None
    """The query of what is frozen. Unset: everything."""
    excepted: QueryText | None = None
    """The query of what is not, of the scope."""
    reason: str = ""
    """Why, for whoever runs into it."""


class DeclaredStandardChange(_Strict):
    """What is done so often and so safely that it needs no approval within its limits."""

    action: str
    """The action: `restart`."""
    scope: QueryText
    """The query of what it may be done to."""
    at_most: Annotated[int, Field(ge=1)] = 1
    """How many nodes at once."""


class DeclaredNotify(_Strict):
    """How people outside of the console are told that they are needed."""

    webhook: Annotated[str, Field(pattern=r"^(https?://[^/\s]+.*)?$")] = ""
    """A URL that takes a POST of JSON. Keep what is secret in it in the environment: `${HOOK_URL}`."""
    command: list[str] = []
    """A program and its arguments; it gets the JSON on its standard input."""


class DeclaredEstate(_Strict):
    """An estate: what is looked after, by whom it is reached, and how it is told apart."""

    name: Name = ""
    """What the estate is called on the screen. Unset: the name of its folder."""
    description: str = ""
    """A sentence for those who open it."""
    read_only: bool = False
    """Nothing in it may be changed from here: actions, commands and shells are refused."""
    sources: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    """Its sources by name, each with its provider and that provider's settings."""
    derive: Derive = Derive()
    """Rules that fill `env`, `service` and `region` of every node."""
    ledger: str = ""
    """The file in which it is recorded who did what: approvals, plans under way, the audit trail. A file in a folder
    that a group may write is shared by that group. Unset: each user's own, in the state folder."""
    database: Annotated[str, Field(pattern=r"^(postgres(ql)?://.+)?$")] = ""
    """The PostgreSQL database in which runs, and the ledger unless it is a file, are shared by several people and
    machines: `postgresql://${CALMTUI_DB_USER}:${CALMTUI_DB_PASSWORD}@db.internal/calmtui`. Unset: files."""
    site: Name | None = None
    """The site of the sources that name none."""
    audit: DeclaredAudit = DeclaredAudit()
    """Where the records of the audit trail go besides."""
    policies: str = "policies"
    """The folder of the policies, `*.cedar`. Where it has none, everybody may change all that is not frozen."""
    teams: dict[str, list[str]] = {}
    """Accounts by the group that policies and approvals know them under, besides the groups of the system."""
    freezes: dict[Name, DeclaredFreeze] = {}
    """Freezes by name."""
    standard: dict[Name, DeclaredStandardChange] = {}
    """Standard changes by name."""
    notify: DeclaredNotify = DeclaredNotify()
    """How people outside of the console are told that they are needed."""
    groups: dict[GroupName, QueryText] = {}
    """Queries by name: `{canary: "label.track=canary"}` is `@canary` in every query."""
