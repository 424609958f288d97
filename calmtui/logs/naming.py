"""What lines are called by: short names as long as no two are the same."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from calmtui.logs.follow import Follower
from calmtui.logs.line import LogLine


class Names:
    """The name of a line's node, its id where two nodes have one name, and the stream where it has several."""

    def __init__(self, follower: Follower) -> None:
        self._streams = follower.streams
        count = Counter(stream.node.name for stream in self._streams.values())
        self._nodes = {
            node_id: stream.node.name if count[stream.node.name] == 1 else node_id
            for node_id, stream in self._streams.items()
        }

    def __call__(self, line: LogLine) -> str:
        """What the line's origin is called."""
        origin = line.origin
        name = self._nodes.get(origin.node_id, origin.node)
        if origin.stream and sum(map(bool, self._streams[origin.node_id].readers)) > 1:
            return f"{name}:{PurePosixPath(origin.stream).name}"
        return name
