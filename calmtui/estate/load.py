"""Estate files: from a path to an Estate, or to everything that is wrong with the file, each with its place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from calmtui import providers
from calmtui.errors import UsageError
from calmtui.estate import discover
from calmtui.estate.declared import NAME, DeclaredEstate, DeclaredFreeze, DeclaredSource
from calmtui.estate.explain import explain
from calmtui.estate.find import estate_file
from calmtui.estate.model import DEFAULT_RULES, Audit, Estate, Freeze, Notify, SourceSpec, StandardChange
from calmtui.estate.problems import EstateError, closest, one_of
from calmtui.estate.written import Loc, Written, read
from calmtui.fleet.moment import seconds

Model = TypeVar("Model", bound=BaseModel)


def load_estate(path: str | Path | None) -> Estate:
    """The estate of a file or folder; of None, what this machine is set up for and the operator left on.

    Connects to nothing. Raises EstateError with every problem of the file.
    """
    if path is not None:
        return load_file(path)
    found = discover.discover()
    return discover.estate_of(found, discover.chosen(found, discover.choices()))


def load_file(path: str | Path, environment: Mapping[str, str] | None = None) -> Estate:
    """The estate that a file declares, or the `estate.yaml` of a folder.

    Raises EstateError with every problem of the file.
    """
    file = estate_file(path)
    written = read(file, os.environ if environment is None else environment)
    estate = _Reading(written).estate(file)
    if written.problems or estate is None:
        raise EstateError(written.problems)
    return estate


class _Reading:
    """One reading of a file: fills `written.problems` as it goes on."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def estate(self, file: Path) -> Estate | None:
        """The estate, as far as it can be read; None when that is not far enough."""
        value = self.written.value
        if not isinstance(value, dict):
            if not self.written.problems:
                what = "the file is empty" if value is None else "the file is not a mapping"
                self.written.add((1, 1), what, "it begins with 'name:' and 'sources:'")
            return None
        declared = self.validate(DeclaredEstate, value, ())
        sources = value.get("sources")
        specs = [self.source(name, sources[name]) for name in sources] if isinstance(sources, dict) else []
        if declared is None or self.written.problems:
            return None
        rules = dict(DEFAULT_RULES)
        rules |= {name: tuple(rule) for name, rule in declared.derive if rule is not None}
        return Estate(
            name=declared.name or file.parent.name or "estate",
            sources=tuple(replace(spec, site=spec.site or declared.site or "") for spec in specs if spec is not None),
            derive=rules,
            path=file,
            groups=declared.groups,
            read_only=declared.read_only,
            description=declared.description,
            policies=_path(file, declared.policies),
            teams={name: tuple(people) for name, people in declared.teams.items()},
            freezes=tuple(_freeze(name, item) for name, item in declared.freezes.items()),
            standard=tuple(
                StandardChange(name, item.action, item.scope, item.at_most) for name, item in declared.standard.items()
            ),
            notify=Notify(declared.notify.webhook, tuple(declared.notify.command)),
            ledger=_path(file, declared.ledger),
            database=declared.database,
            audit=Audit(_path(file, declared.audit.file), declared.audit.syslog),
        )

    def source(self, name: str, value: Any) -> SourceSpec | None:
        loc: Loc = ("sources", name)
        if not re.fullmatch(NAME, name):
            self.written.add(
                self.written.keys[loc],
                f"source name {name!r}",
                "allowed: letters, digits and . _ @ + - after the first",
            )
        if not isinstance(value, dict):
            return None  # said by the model of the whole
        if "provider" not in value:
            self.written.add(self.written.keys[loc], "'provider' is missing", one_of(providers.names()))
            return None
        own = {key: item for key, item in value.items() if key in DeclaredSource.model_fields}
        common = self.validate(DeclaredSource, own, loc)
        if not isinstance(kind := own.get("provider"), str):
            return None
        model = self.model(kind, loc)
        if model is None:
            return None
        options = self.validate(model, {key: item for key, item in value.items() if key not in own}, loc)
        if common is None or options is None:
            return None
        defaults = {field: text for field, text in common.defaults if text}
        return SourceSpec(name, kind, options, common.enabled, defaults, common.site or "")

    def model(self, kind: str, loc: Loc) -> type[BaseModel] | None:
        place = self.written.place((*loc, "provider"))
        try:
            return providers.load(kind).options()
        except UsageError:
            known = providers.names()
            self.written.add(place, f"there is no provider {kind!r}", one_of(known), closest(kind, known))
        except (ImportError, AttributeError) as error:  # a third party's, broken or half installed
            self.written.add(place, f"provider {kind!r} cannot be imported: {error}", "install it again")
        return None

    def validate(self, model: type[Model], value: dict[str, Any], loc: Loc) -> Model | None:
        try:
            return model.model_validate(value, extra="forbid")
        except ValidationError as error:
            explain(error, model, loc, self.written, DeclaredSource.model_fields if loc else ())
        return None


def _freeze(name: str, declared: DeclaredFreeze) -> Freeze:
    lasts = timedelta(seconds=seconds(declared.lasts) or 0)
    return Freeze(
        name, declared.begins, lasts, declared.zone, declared.recurrence, declared.scope or "",
        declared.excepted or "", declared.reason,
    )  # fmt: skip


def _path(file: Path, text: str) -> Path | None:
    """A path of the estate file, relative to its folder."""
    return file.parent / Path(text).expanduser() if text else None
