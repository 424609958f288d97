"""The JSON Schema of estate files, for completion and checks in editors.

`python -m calmtui.estate.schema > inventory/estate.schema.json` writes it; a test holds the file
against the models. It describes the providers that come with calmtui.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from calmtui import providers
from calmtui.estate.declared import NAME, DeclaredEstate, DeclaredSource

BUILT_IN = ("aws", "docker", "kubernetes", "ssh")
_TAKEN = {"type": "string", "pattern": r"\$\{"}
"""A value that the environment gives."""


def schema() -> dict[str, Any]:
    """The schema as a JSON-like value."""
    whole = DeclaredEstate.model_json_schema()
    definitions = whole.setdefault("$defs", {})
    common = DeclaredSource.model_json_schema()
    definitions |= common.pop("$defs", {})
    for kind in BUILT_IN:
        definitions[kind] = _source(kind, common, definitions)
    whole["properties"]["sources"] |= {
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in BUILT_IN]},
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "calmtui estate"}
    top: dict[str, Any] = _from_environment(head | {key: item for key, item in whole.items() if key != "title"})
    return top


def _source(kind: str, common: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    own = providers.load(kind).options().model_json_schema()
    for name, definition in own.pop("$defs", {}).items():
        assert definitions.setdefault(name, definition) == definition, f"two models are called {name}"
    return {
        "description": own.get("description", ""),
        "type": "object",
        "additionalProperties": False,
        "properties": common["properties"] | {"provider": {"const": kind}} | own["properties"],
        "required": ["provider", *own.get("required", [])],
    }


def _from_environment(value: Any) -> Any:
    """The schema with `${NAME}` allowed wherever not every text may stand."""
    if isinstance(value, list):
        return [_from_environment(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _from_environment(item) for key, item in value.items() if key != "title" or not isinstance(item, str)}
    if value.get("type") in ("integer", "number", "boolean") or "enum" in value or {"type", "pattern"} <= value.keys():
        about = {key: value.pop(key) for key in ("description", "default") if key in value}
        return {**about, "anyOf": [value, _TAKEN]}
    return value


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
