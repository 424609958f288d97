"""The JSON Schema of blueprint files, for completion and checks in editors.

`python -m calmtui.blueprints.schema > inventory/blueprint.schema.json` writes it; a test holds the file
against the models.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from calmtui.blueprints.declared import DeclaredBlueprint
from calmtui.runbooks.schema import schema_of


def schema() -> dict[str, Any]:
    """The schema as a JSON-like value."""
    return schema_of(DeclaredBlueprint, "calmtui blueprint")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
