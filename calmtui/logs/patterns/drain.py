"""Drain: normalised lines that are alike in most words become one cluster, the words in which they differ `<*>`."""

from __future__ import annotations

from collections.abc import Iterable

from drain3.drain import Drain, LogCluster

SIMILAR = 0.6
"""Share of the words that two lines of one cluster have in common at least. Drain's own 0.4 joins short messages."""
MAX_CHILDREN = 60
"""Words told apart at each of the first two places; further ones count as varying."""
MAX_WORDS = 100
"""Words of a line that are compared."""


class Clusters:
    """Clusters of normalised lines."""

    def __init__(self) -> None:
        self._drain = self._fresh()

    def place(self, normalised: str) -> LogCluster:
        """The cluster of a line, made or widened if need be. Its `get_template()` is the pattern as it is now."""
        cluster, _ = self._drain.add_log_message(" ".join(normalised.split(" ", MAX_WORDS)[:MAX_WORDS]))
        return cluster

    def keep(self, kept: Iterable[LogCluster]) -> None:
        """Forget all other clusters, and what the tree remembers of them."""
        before, self._drain = self._drain, self._fresh()
        self._drain.clusters_counter = before.clusters_counter
        for cluster in kept:
            self._drain.id_to_cluster[cluster.cluster_id] = cluster
            self._drain.add_seq_to_prefix_tree(self._drain.root_node, cluster)

    @staticmethod
    def _fresh() -> Drain:
        return Drain(depth=4, sim_th=SIMILAR, max_children=MAX_CHILDREN, param_str="<*>")
