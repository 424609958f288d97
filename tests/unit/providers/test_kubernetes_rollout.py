"""A rollout is judged as `kubectl rollout status` judges it (kubectl's rollout_status.go)."""

from __future__ import annotations

from typing import Any

import pytest

from calmtui.providers.kubernetes.rollout import rollout_of

FULL = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "readyReplicas": 3}
STUCK = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "done", "failed", "said"),
    [
        ("deployment", {}, {}, True, False, "3 replicas, all new and available"),
        ("deployment", {}, {"observedGeneration": 1}, False, False, "its controller has not seen the last change"),
        ("deployment", {}, {"updatedReplicas": 1}, False, False, "1 of 3 replicas are new"),
        ("deployment", {}, {"replicas": 4}, False, False, "1 old replicas have still to end"),
        ("deployment", {}, {"availableReplicas": 2}, False, False, "2 of 3 new replicas are available"),
        ("deployment", {}, {"conditions": [STUCK]}, False, True, "timed out"),
        ("deployment", {"paused": True}, {}, False, True, "its rollout is paused"),
        ("statefulset", {}, {}, True, False, "3 replicas, all new and ready"),
        ("statefulset", {}, {"readyReplicas": 2}, False, False, "2 of 3 replicas are ready"),
        ("statefulset", {}, {"updateRevision": "b", "updatedReplicas": 1}, False, False, "1 of 3 replicas are new"),
        ("statefulset", {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}},
         {"updateRevision": "b", "updatedReplicas": 1}, True, False, "1 of 1 replicas are new (partition 2)"),
        ("statefulset", {"updateStrategy": {"type": "OnDelete"}}, {}, False, True, "its update strategy is OnDelete"),
        ("daemonset", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}, False, False, "1 of 2 pods"),
        ("daemonset", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}, False,
         False, "1 of 2 new pods"),
        ("daemonset", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}, True,
         False, "2 pods, all new and available"),
    ],
)  # fmt: skip
def test_it_is_done_stuck_or_on_its_way(
    kind: str, spec: dict[str, Any], status: dict[str, Any], done: bool, failed: bool, said: str
) -> None:
    item = {"metadata": {"generation": 2}, "spec": {"replicas": 3, **spec}, "status": {**FULL, **status}}
    found = rollout_of(kind, item)
    assert (found.done, found.failed) == (done, failed)
    assert found.said.startswith(said)
