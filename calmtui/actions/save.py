"""Answers of a command as files: one folder, two files for each node, and a list of how each ended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from calmtui.actions.commands import Fanout
from calmtui.errors import CalmError
from calmtui.fleet.node import NodeId

_UNSAFE = str.maketrans({"/": "_", "\0": "_"})


def save(fanout: Fanout, called: Mapping[NodeId, str], folder: Path) -> Path:
    """Write them into a new folder, which is returned in full; `answers.json` says how each node ended.

    Blocks: call it in a thread. Raises CalmError.
    """
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True)
        told = []
        for node_id, answer in fanout.answers.items():
            name = called[node_id].translate(_UNSAFE).lstrip(".") or "_"
            told.append({"id": node_id, "ending": answer.ending, "stdout": f"{name}.out", "stderr": f"{name}.err"})
            for kind, suffix, kept in (("stdout", "out", answer.said.stdout), ("stderr", "err", answer.said.stderr)):
                target = folder / f"{name}.{suffix}"
                if answer.said.folder is not None:
                    shutil.copyfile(answer.said.folder / kind, target)
                else:
                    target.write_bytes(kept)
        (folder / "answers.json").write_text(json.dumps({"command": fanout.command.words, "answers": told}, indent=2))
    except OSError as error:
        raise CalmError(
            f"cannot be saved: {error.strerror}", where=str(folder), next_step="name another folder"
        ) from error
    return folder
