"""Hypothesis strategies that the property tests share; a new kind or field is added here first."""

from __future__ import annotations

from hypothesis import strategies as st

from calmtui.fleet.node import Node, State
from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Origin

names = st.text(alphabet="abcdefgh-0123456789", min_size=1, max_size=8)
labels = st.dictionaries(st.sampled_from(["app", "env", "tier", "team"]), names, max_size=3)


@st.composite
def nodes(draw: st.DrawFn, source: str = "lab", ids: st.SearchStrategy[str] = names) -> Node:
    """A node of a source, its parent drawn from the same ids."""
    node_id = draw(ids)
    parent = draw(st.none() | ids)
    return Node(
        id=node_id,
        kind=draw(st.sampled_from(["pod", "host", "container", "instance"])),
        name=node_id,
        source=source,
        parent=None if parent == node_id else parent,
        state=draw(st.sampled_from(list(State))),
        labels=draw(labels),
        env=draw(st.sampled_from(["", "production", "staging"])),
        service=draw(st.sampled_from(["", "web", "api"])),
        restarts=draw(st.none() | st.integers(0, 9)),
    )


@st.composite
def log_streams(draw: st.DrawFn, longest: int = 12) -> list[LogLine]:
    """Lines of a few streams, each numbered in its stream; times close together and not always rising."""
    streams = draw(st.lists(st.lists(st.integers(0, 30), max_size=longest), min_size=1, max_size=4))
    levels = st.sampled_from(list(Level))
    texts = st.sampled_from(["GET /healthz 200", "timeout", "Timeout again", "refused", ""])
    return [
        LogLine(at, at, Origin("lab", f"lab:{number}", f"n{number}"), seq, draw(texts), draw(levels))
        for number, times in enumerate(streams)
        for seq, at in enumerate(times)
    ]
