"""The output of a command on many nodes, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from calmtui.actions.commands import Fanout
from calmtui.actions.gathered import Group, diff, groups, unfinished
from calmtui.actions.outcome import Outcome, Status, names
from calmtui.actions.said import lines
from calmtui.cli.act import outcome_json
from calmtui.cli.diagnostics import say
from calmtui.cli.printing import out, out_json, styled
from calmtui.fleet import hostset
from calmtui.fleet.node import NodeId
from calmtui.providers.base import Output

LONGEST_LINE = 64 * 1024
"""Bytes after which a line is printed although its end has not come."""


class Printer:
    """Prints what a command says: `lines` as they come behind their node's name, or `gathered`, `diff`, `json`."""

    def __init__(self, fanout: Fanout, form: str) -> None:
        self._fanout = fanout
        self._form = form
        self._called = names(outcome.node for outcome in fanout.execution.outcomes.values())
        self._open: dict[tuple[NodeId, bool], bytes] = {}
        """What has come of a line that has not ended."""
        self._final: set[NodeId] = set()
        """Those that have ended."""
        if form == "lines":
            fanout.subscribe(self._heard)
        if form != "json":
            fanout.execution.subscribe(self._changed)

    def end(self) -> None:
        """Print what is left when nothing more comes."""
        if self._form == "json":
            out_json(_json(self._fanout, self._called))
        elif self._form != "lines":
            self._gathered()

    # -- as it comes ----------------------------------------------------------

    def _heard(self, node_id: NodeId, piece: Output) -> None:
        key = node_id, piece.is_error
        whole, newline, rest = (self._open.get(key, b"") + piece.data).rpartition(b"\n")
        if len(rest) > LONGEST_LINE:
            whole, newline, rest = whole + newline + rest, b"", b""
        self._open[key] = rest
        self._print(node_id, whole + newline, is_error=piece.is_error)

    def _changed(self, outcome: Outcome) -> None:
        if self._form != "lines":
            self._progress(outcome)
            return
        if not outcome.status.final:
            return
        for is_error in (False, True):
            self._print(outcome.node.id, self._open.pop((outcome.node.id, is_error), b""), is_error=is_error)
        answer = self._fanout.answers.get(outcome.node.id)
        name = self._called[outcome.node.id]
        if answer is not None and answer.exit_status:
            say(f"{name}: exit {answer.exit_status}")
        elif outcome.status is not Status.OK:
            say(f"{name}: {outcome.status}: {outcome.detail}")
        if answer is not None and answer.said.folder is not None:
            say(f"{name}: all of its output, {answer.said.size:,} bytes, is in {answer.said.folder}")

    def _print(self, node_id: NodeId, data: bytes, *, is_error: bool) -> None:
        name = self._called[node_id]
        if not data:
            return
        if is_error:
            for line in lines(data):
                say(f"{name}: {line}")
        else:
            out("\n".join(f"{styled(f'{name}:', 'quiet')} {line}" for line in lines(data)))

    # -- gathered -------------------------------------------------------------

    def _progress(self, outcome: Outcome) -> None:
        """How far it is, on a terminal."""
        (self._final.add if outcome.status.final else self._final.discard)(outcome.node.id)
        if sys.stderr.isatty():
            ended, total = len(self._final), len(self._fanout.execution.outcomes)
            sys.stderr.write(f"\r\x1b[K{ended} of {total} nodes" if ended < total else "\r\x1b[K")
            sys.stderr.flush()

    def _gathered(self) -> None:
        found = groups(self._fanout.answers)
        for index, group in enumerate(found):
            self._head(group)
            differs = self._form == "diff" and index > 0 and group.exit_status is not None
            for line in diff(found[0], group) if differs else group.said.lines():
                out(styled(line, _DIFF_STYLES.get(line[:1], "")) if differs else line)
            if group.exit_status is None and (detail := self._detail(next(iter(group.nodes)))):
                out(styled(detail, "quiet"))
        outcomes = self._fanout.execution.outcomes
        left = unfinished(self._fanout.answers, outcomes)
        if left:
            reasons = {outcomes[node_id].detail for node_id in left}
            why = reasons.pop() if len(reasons) == 1 else "not begun"
            say(f"{hostset.fold(self._called[node_id] for node_id in left)}: {why}")

    def _head(self, group: Group) -> None:
        count = f"{len(group.nodes)} node{'s' if len(group.nodes) != 1 else ''}"
        style = "head" if group.exit_status == 0 else "trouble"
        out(styled(f"--- {group.hosts(self._called)} ({count}, {group.ending})", style))

    def _detail(self, node_id: NodeId) -> str:
        return self._fanout.execution.outcomes[node_id].detail


_DIFF_STYLES = {"+": "fine", "-": "trouble", "@": "quiet"}


def _json(fanout: Fanout, called: Mapping[NodeId, str]) -> dict[str, Any]:
    found = groups(fanout.answers)
    return {
        "command": list(fanout.command.words),
        "outcomes": [_outcome_json(fanout, outcome) for outcome in fanout.execution.outcomes.values()],
        "groups": [
            {
                "hosts": group.hosts(called),
                "ids": list(group.nodes),
                "ending": group.ending,
                "lines": group.said.lines(),
            }
            for group in found
        ],
    }


def _outcome_json(fanout: Fanout, outcome: Outcome) -> dict[str, Any]:
    answer = fanout.answers.get(outcome.node.id)
    said = answer.said if answer is not None else None
    return {
        **outcome_json(outcome),
        "ending": answer.ending if answer is not None else None,
        "exit_status": answer.exit_status if answer is not None else None,
        "stdout": said.stdout.decode(errors="replace") if said is not None else "",
        "stderr": said.stderr.decode(errors="replace") if said is not None else "",
        "folder": str(said.folder) if said is not None and said.folder is not None else None,
    }
