"""`calmtui ls --at`: the nodes as they were at a past moment, from what consoles have recorded."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.ls import node_json, table
from calmtui.cli.printing import age, out_json
from calmtui.cli.recorded import key, unconnected
from calmtui.cli.settings import Settings
from calmtui.estate.around import around
from calmtui.fleet.moment import moment
from calmtui.fleet.query import compile_query
from calmtui.store.past import Past, fleet_at


def ls_at(settings: Settings, query: str, when: str, *, as_json: bool) -> int:
    """Print the nodes of a moment; FAILED when nothing is known of a source at that time. Raises CalmError."""
    now = time.time()
    past = fleet_at(key(settings), moment(when, now, where="--at"))
    fleet = past.fleet()
    matches = compile_query(query, around(unconnected(settings, fleet, past.at), now=lambda: past.at))
    nodes = sorted(matches.among(fleet), key=lambda node: node.id)
    stamp = datetime.fromtimestamp(past.at).astimezone().isoformat(" ", "seconds")
    if as_json:
        out_json({"at": past.at, "nodes": list(map(node_json, nodes)), "sources": _sources(past)})
    else:
        say(f"calmtui: the past: as it was at {stamp}, {age(now - past.at)} ago")
        if nodes:
            table(nodes, past.at)
        else:
            say(f"no node matched {query!r} then" if query else "nothing is known of that moment")
    for name in past.unknown:
        say(f"calmtui: source {name}: {past.why_unknown(name)}")
    if not past.sources:
        say("calmtui: nothing was recorded of this estate yet; changes are recorded while a console is open")
    return ExitCode.FAILED if past.unknown or not past.sources else ExitCode.FINE


def _sources(past: Past) -> list[dict[str, Any]]:
    """The sources as scripts get them: the keys of `ls`, the state `past` or `unknown`."""
    counts = dict.fromkeys(past.sources, 0)
    for node in past.nodes.values():
        counts[node.source] += 1
    return [
        {"name": name, "kind": kind, "state": "unknown" if name in past.unknown else "past",
         "error": past.why_unknown(name) if name in past.unknown else "", "nodes": counts[name], "took_ms": None}
        for name, kind in past.sources.items()
    ]  # fmt: skip
