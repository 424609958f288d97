"""What can be done to containers and compose projects, and in which state."""

from __future__ import annotations

from calmtui.fleet.node import State
from calmtui.providers.base import Action, Danger, Parameter

ACTIONS = (
    Action("start", "start the container", Danger.NONE, undo="stop", reaches=State.RUNNING),
    Action(
        "stop",
        "ask the container to end, and kill it when its grace period is over",
        Danger.CONFIRM,
        undo="start",
        reaches=State.STOPPED,
    ),
    Action("restart", "stop the container, then start it again", Danger.CONFIRM),
    Action(
        "pause",
        "freeze every process of the container; it keeps its memory and answers nobody",
        Danger.CONFIRM,
        undo="unpause",
    ),
    Action("unpause", "let the frozen processes of the container go on", Danger.NONE, undo="pause"),
    Action(
        "kill",
        "send a signal to the container's first process, KILL unless another one is given",
        Danger.CONFIRM,
        undo="start",
        parameters=(Parameter("signal", "signal to send", default="KILL"),),
    ),
    Action("remove", "remove the container with all that was written in it; its volumes stay", Danger.TYPE_NAME),
)

OF_CONTAINER: dict[str, tuple[str, ...]] = {
    "created": ("start", "remove"),
    "running": ("stop", "restart", "pause", "kill"),
    "paused": ("unpause", "stop", "restart", "kill"),
    "restarting": ("stop", "restart", "kill"),
    "exited": ("start", "remove"),
    "dead": ("remove",),
}
"""By a container's state as the engine names it; nothing while it is being removed."""

OF_PROJECT = ("start", "stop", "restart")
"""Of a project these are its members', in the order of their dependencies; only those that some member allows."""
