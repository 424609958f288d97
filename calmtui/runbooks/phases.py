"""The phases of a run: which steps are done on which nodes, one phase after the other, and what comes between them."""

from __future__ import annotations

import msgspec


class Phase(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some steps on the nodes of some batches; only when it has ended well the next one begins."""

    title: str
    """What it is called, `batch 2` or `switch`; the engine and the journal know it by that."""
    stages: tuple[int, ...]
    """The batches on whose nodes it is done, counted from 0, in this order."""
    steps: tuple[str, ...] | None = None
    """The keys of its steps; None: all that the batch has."""
    gated: tuple[int, ...] = ()
    """The batches on whose nodes the gates look afterwards; none: there is no gate."""
    hold: float = 0.0
    """Seconds before the next one; the gates go on looking meanwhile."""
    last: bool = False
    """Nothing is taken back when it fails: what was before it has been confirmed."""
