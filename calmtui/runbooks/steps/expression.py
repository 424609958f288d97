"""Conditions in CEL, the Common Expression Language: nothing but values goes in, nothing but a value comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from calmtui.errors import CalmError
from calmtui.fleet.node import Node
from calmtui.runbooks.fields import Strict


class Expression(Strict):
    """A condition in CEL: `{cel: 'node.restarts > 3 && parameters.force'}`."""

    cel: str
    """The expression. It speaks of `node` (`node.name`, `node.labels["app"]`, `node.restarts`…), of `parameters`
    (each a text: `int(parameters.count) > 2`), and of `steps`, what has come of the earlier ones on the node by their
    names: `steps["probe"].output`, `.detail`, `.status`."""

    @model_validator(mode="after")
    def _reads(self) -> Expression:
        import cel

        try:
            cel.compile(self.cel)
        except ValueError as error:
            raise ValueError(f"no expression of CEL; {_first_line(error)}") from None
        return self

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds. Raises CalmError where it cannot be told."""
        import cel

        try:
            came = cel.evaluate(self.cel, dict(values))
        except LookupError as error:
            raise CalmError(f"{self.cel}: there is no {error}") from None
        except (ValueError, TypeError, RuntimeError, ArithmeticError) as error:
            raise CalmError(f"{self.cel}: {_first_line(error)}") from None
        if not isinstance(came, bool):
            raise CalmError(f"{self.cel} is {came!r}", next_step="compare it with something")
        return came


def of_node(node: Node) -> dict[str, Any]:
    """A node as expressions know it."""
    return {
        "id": node.id, "kind": node.kind, "name": node.name, "source": node.source, "state": node.state.value,
        "raw_state": node.raw_state, "env": node.env, "service": node.service, "region": node.region,
        "image": node.image, "restarts": node.restarts or 0, "labels": dict(node.labels),
        "address": node.addresses[0] if node.addresses else "",
    }  # fmt: skip


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
