"""The query language: one way to select nodes, everywhere. `grammar.lark` is its definition."""

from calmtui.fleet.query.match import Surroundings, compile_query
from calmtui.fleet.query.parse import QueryError, parse

__all__ = ["QueryError", "Surroundings", "compile_query", "parse"]
