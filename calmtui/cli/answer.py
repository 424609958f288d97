"""`calmtui run answer`: tell a run what it asks people for."""

from __future__ import annotations

from typing import Annotated

import typer

from calmtui.cli.settings import changing, refuse_read_only, settings
from calmtui.errors import UsageError


def answer(
    context: typer.Context,
    run: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    values: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE…", help="None: what it asks for.")] = None,
) -> None:
    """Tell a run what it asks for; without a value, list what that is."""
    from calmtui.actions import parameters
    from calmtui.cli.journal import journal as opened
    from calmtui.cli.printing import out, out_table
    from calmtui.estate.load import load_estate
    from calmtui.governance import trail
    from calmtui.governance.rulebook import subject_of
    from calmtui.runbooks import answer as answers
    from calmtui.runbooks.plan import path_of

    chosen = settings(context) if not values else changing(context)
    journal = opened(chosen)
    found = journal.run(run)
    plan = journal.plan(found.id)
    if not values:
        asked = [one for one in answers.inputs(plan).values() if not journal.answers(found.id, one.name)]
        if not asked:
            out(f"run {found.id} asks for nothing")
            return
        out_table(("NAME", "TYPE", "BY", "WHAT"),
                  [((one.name, ""), (one.type, ""), (" or ".join(one.by) or "anybody", ""), (one.text, ""))
                   for one in asked])  # fmt: skip
        return
    estate = load_estate(path_of(plan))
    refuse_read_only(chosen, estate)
    given = parameters.parse(values)
    if len(given) != len(values):
        raise UsageError("a name stands twice", next_step="tell each value once")
    answers.answer(journal, found.id, given, trail.of(estate), subject_of(estate))
    out(f"run {found.id} was told {', '.join(given)}")
