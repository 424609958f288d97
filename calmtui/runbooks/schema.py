"""The JSON Schema of runbook files, for completion and checks in editors.

`python -m calmtui.runbooks.schema > inventory/runbook.schema.json` writes it; a test holds the file
against the models.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import BaseModel

from calmtui.runbooks.declared import DeclaredRunbook


def schema() -> dict[str, Any]:
    """The schema as a JSON-like value."""
    return schema_of(DeclaredRunbook, "calmtui runbook")


def schema_of(model: type[BaseModel], title: str) -> dict[str, Any]:
    """The schema of the files that a model describes."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    whole = model.model_json_schema()
    return {**head, **{key: _untitled(item) for key, item in whole.items() if key != "title"}}


def _untitled(value: Any) -> Any:
    """The schema without the titles that pydantic makes of names."""
    if isinstance(value, list):
        return [_untitled(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _untitled(item) for key, item in value.items() if key != "title" or not isinstance(item, str)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
