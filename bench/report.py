"""One measurement as a line of JSON."""

from __future__ import annotations

import json


def report(bench: str, metric: str, value: float, unit: str, peer: str = "", peer_value: float | None = None) -> None:
    """Print a figure, and its ratio to the peer's where there is one."""
    ratio = round(value / peer_value, 4) if peer_value else None
    line = {
        "bench": bench,
        "metric": metric,
        "value": round(value, 4),
        "unit": unit,
        "peer": peer or None,
        "peer_value": None if peer_value is None else round(peer_value, 4),
        "ratio": ratio,
    }
    print(json.dumps(line), flush=True)
