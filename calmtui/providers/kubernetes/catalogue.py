"""What can be done to the nodes of a cluster."""

from __future__ import annotations

from calmtui.providers.base import Action, Danger, Parameter

ACTIONS = (
    Action(
        "rollout-restart",
        "replace the workload's pods one after the other, as its update strategy says",
        Danger.CONFIRM,
    ),
    Action(
        "scale",
        "change how many replicas the workload has",
        Danger.CONFIRM,
        undo="scale",
        parameters=(Parameter("replicas", "How many replicas?", kind="int"),),
    ),
    Action("delete", "delete it; the pod's controller, if it has one, makes a new pod", Danger.CONFIRM),
    Action("delete-workload", "delete the workload with all of its pods", Danger.TYPE_NAME),
    Action("cordon", "let no new pod be scheduled onto the node", Danger.NONE, undo="uncordon"),
    Action("uncordon", "let pods be scheduled onto the node again", Danger.NONE, undo="cordon"),
    Action(
        "drain",
        "cordon the node and evict its pods, as their disruption budgets allow; daemon sets' and static pods stay",
        Danger.TYPE_NAME,
        undo="uncordon",
        parameters=(
            Parameter("force", "Also evict pods that nothing recreates or that hold local data?", "bool", "no"),
            Parameter("timeout", "Seconds to wait for budgets and for pods to end", "int", "300"),
        ),
    ),
)
