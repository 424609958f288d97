"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Wait = Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for the sources.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Values = Annotated[list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="A value it needs.")]

# Why it is done, and who lets it
Reason = Annotated[str, typer.Option(help="Why, for the record and for those who approve.")]
AskApproval = Annotated[bool, typer.Option("--ask-approval", help="Ask for the approval that it needs; do nothing.")]
BreakGlass = Annotated[
    bool, typer.Option("--break-glass", help="In an emergency, with a reason; it is reviewed afterwards.")
]

# How many at once, and when to stop
Parallel = Annotated[int, typer.Option(min=1, metavar="N", help="How many nodes at once.")]
Batches = Annotated[str, typer.Option(metavar="1,10%,100%", help="So many nodes first, and on only if none failed.")]
MaxFailed = Annotated[str, typer.Option(metavar="N|N%", help="Begin no further node when more than this have failed.")]
MaxFailedInBatch = Annotated[
    str, typer.Option(metavar="N|N%", help="Begin no other batch when more than this of one have failed.")
]
MinHealthy = Annotated[str, typer.Option(metavar="N|N%", help="Begin a node only while so many of the others run.")]

# Of a run
ShowPlan = Annotated[bool, typer.Option("--plan", help="Print what would happen, node by node, and do nothing.")]
Watch = Annotated[bool, typer.Option("--watch/--detach", help="Watch it, or print its id once it is begun.")]
RunAsJson = Annotated[bool, typer.Option("--json", help="The plan, or in the end the run, as JSON.")]
