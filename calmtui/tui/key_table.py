"""The table itself: what can be done on each screen, and under which keys. `keys` reads it.

It is one file, however long: which key is free on a screen, or means something else on the next, is seen at a glance.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """Something that can be done on a screen."""

    id: str
    """`WHERE.NAME`: the screen that offers it and its name there. Settings rebind it by this."""
    keys: str
    """Keys in Textual's spelling, separated by commas, the one to show first; empty: only by `:` and palette."""
    sentence: str
    """What it does, as help and palette say it."""
    group: str = "Look"
    short: str = ""
    """One or two words for the footer; empty: not in the footer."""
    changes: bool = False
    """Whether it changes anything in the estate: read-only mode refuses it and says why."""
    present: bool = False
    """Whether it asks or changes what is there now: a screen of the past refuses it and says why."""
    argument: str = ""
    """What may follow its name after `:`, such as `NAME`. The method takes it as a string, empty when not given."""

    @property
    def where(self) -> str:
        """The screen that offers it; "app": every one."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """Its name after `:`."""
        return self.id.partition(".")[2]

    @property
    def method(self) -> str:
        """The method that does it, of the screen, a part of it, or the app."""
        return "action_" + self.name.replace("-", "_")


ROWS = ("down", "up")
PAGES = ("page-down", "page-up")
ENDS = ("first", "last")
_MOVES = {
    "down": ("j,down", "One row down"), "up": ("k,up", "One row up"),
    "page-down": ("pagedown,ctrl+d", "One page down"), "page-up": ("pageup,ctrl+u", "One page up"),
    "first": ("g,home", "First row"), "last": ("G,end", "Last row"),
}  # fmt: skip


def _moving(where: str, names: tuple[str, ...] = ROWS + PAGES + ENDS, *, space: bool = False) -> list[Command]:
    """The commands that move in a screen's rows; `space` goes a page down too."""
    found = []
    for name in names:
        pressed, sentence = _MOVES[name]
        more = ",space" if space and name == "page-down" else ""
        found.append(Command(f"{where}.{name}", pressed + more, sentence, "Move"))
    return found


TABLE: tuple[Command, ...] = (
    Command("app.help", "question_mark,f1", "What can be done here; searchable, and it does it", "Anywhere", "help"),
    Command("app.command", "colon", "Type a command by its name", "Anywhere", "command"),
    Command("app.palette", "ctrl+p", "Find a command by any part of its name", "Anywhere"),
    Command("app.outcomes", "O", "The outcomes of what was carried out last", "Anywhere"),
    Command("app.runs", "W", "The runs under way, those that wait for somebody, and the last ones", "Anywhere"),
    Command("app.blueprints", "U", "Services beside what is declared: completeness, drift, start and stop", "Anywhere"),
    Command("app.approvals", "A", "The plans that wait for approval, and reviews", "Anywhere"),
    Command("app.audit", "T", "Who did what: the audit trail", "Anywhere", argument="FILTER"),
    Command("app.freezes", "", "When nothing may be changed: the freezes of the estate", "Anywhere"),
    Command("app.theme", "", "Change the colours", "Anywhere", argument="NAME"),
    Command("app.at", "", "The estate as it was at a time: 03:12, 10m, 2026-11-21T02:29", "Anywhere", argument="TIME"),
    Command("app.now", "", "Leave the past", "Anywhere"),
    Command("app.redraw", "ctrl+l", "Draw the whole screen again", "Anywhere"),
    Command("app.leave", "q", "Leave this screen; leave calmtui from the fleet", "Anywhere"),
    Command("app.quit", "ctrl+q", "Leave calmtui", "Anywhere"),
    # The fleet
    *_moving("fleet", ROWS + ENDS + PAGES),
    Command("fleet.next", "n", "Next match of the filter; without a filter, next trouble", "Move"),
    Command("fleet.previous", "N", "Previous match of the filter; without a filter, previous trouble", "Move"),
    Command("fleet.fold", "h,left", "Fold, or go to the row above in the hierarchy", "Move"),
    Command("fleet.unfold", "right", "Unfold, or go to the first row within", "Move"),
    Command("fleet.fold-all", "z", "Fold everything", "Move"),
    Command("fleet.unfold-all", "Z", "Unfold everything", "Move"),
    Command("fleet.earlier", "left_square_bracket", "Back to the node that was looked at before", "Move"),
    Command("fleet.later", "right_square_bracket", "Forth again to the node that was looked at after", "Move"),
    Command("fleet.mark", "space", "Mark the node, or the nodes of a group; again: unmark", "Mark", "mark"),
    Command("fleet.mark-span", "ctrl+@,v", "Mark from the last mark to here", "Mark"),
    Command("fleet.mark-shown", "asterisk", "Mark every node that the filter shows", "Mark"),
    Command("fleet.mark-invert", "tilde", "Invert the marks among the nodes that the filter shows", "Mark"),
    Command("fleet.mark-clear", "minus", "Clear all marks, hidden ones too", "Mark"),
    Command("fleet.logs", "l", "Follow the logs of the marked nodes, or of this one", "Act", "logs", present=True),
    # Not `changes`: in read-only mode the list opens all the same, and says why each is missing.
    Command(
        "fleet.actions",
        "a",
        "What can be done with the marked nodes, or with this one",
        "Act",
        "actions",
        present=True,
    ),
    # Not `changes` either: what a runbook would do is shown in read-only mode too, and why it cannot be done.
    Command("fleet.runbooks", "r", "Start a runbook", "Act", "runbooks", argument="NAME", present=True),
    Command("fleet.shell", "s", "Open a shell on this node", "Act", "shell", changes=True, present=True),
    Command(
        "fleet.exec",
        "exclamation_mark",
        "Run a command on the marked nodes, or on this one",
        "Act",
        "command",
        changes=True,
        present=True,
        argument="COMMAND",
    ),
    Command("fleet.retry", "R", "Try the failing sources again now", "Act", argument="SOURCE", present=True),
    Command("fleet.filter", "slash", "Show only what matches words and key=value", "Look", "filter", argument="QUERY"),
    Command("fleet.open", "enter", "Unfold or fold a group; look closer at a node", "Look", "open"),
    Command("fleet.back", "escape", "Back: close the pane, then clear the filter", "Look"),
    Command("fleet.pane", "tab", "Next pane", "Look"),
    Command("fleet.overview", "o", "Overview of this node", "Look"),
    Command("fleet.describe", "d", "The raw object as its source has it, secrets masked", "Look", present=True),
    Command("fleet.recent-logs", "L", "The last log lines of this node, beside the tree", "Look", present=True),
    Command("fleet.events", "e", "What happened to this node", "Look", present=True),
    Command("fleet.changes", "c", "What changed: everything, what is marked, or what is here", "Look", "changes"),
    Command("fleet.recent-changes", "C", "The last changes of this node, beside the tree", "Look"),
    Command("fleet.trail", "D", "Who did what to this node", "Look"),
    Command("fleet.links", "x", "What this node is elsewhere, what it runs on, what runs on it", "Look", "links"),
    Command("fleet.save", "", "Keep the filter as @NAME; without a filter: forget it", "Look", argument="NAME"),
    Command("fleet.faults", "f", "Only what is not well and what it hangs under, or everything", "Look", "faults"),
    Command("fleet.group", "b", "Group by something else", "Look", argument="BY"),
    Command("fleet.order", "t", "Sort by name, trouble, age or restarts", "Look", argument="ORDER"),
    Command("fleet.copy", "y", "Copy the ids of the marked nodes, or of this one", "Look"),
    # Logs
    Command(
        "logs.include",
        "slash",
        "Show only lines with a text, a ~regular expression, or level>=warn",
        "Filter",
        "filter",
        argument="TEXT",
    ),
    Command(
        "logs.exclude",
        "backslash",
        "Hide lines with a text, a ~regular expression, or level<info",
        "Filter",
        "hide",
        argument="TEXT",
    ),
    Command("logs.level", "L", "The least level shown: all, info, warn, error", "Filter", "level"),
    Command("logs.filters", "F", "What hides lines: switch it on and off, drop it", "Filter"),
    Command("logs.context", "", "Show so many lines around each that passes", "Filter", argument="LINES"),
    Command("logs.widen", "z", "One more line around each that passes", "Filter"),
    Command("logs.narrow", "Z", "One line less around each that passes", "Filter"),
    Command("logs.mute", "m", "Hide the lines of this line's stream", "Filter"),
    Command("logs.solo", "M", "Only the lines of this line's stream; again: of all", "Filter"),
    Command(
        "logs.find", "f", "Find a text, or a ~regular expression, in the lines shown", "Look", "find", argument="TEXT"
    ),
    Command("logs.next", "n", "The next line that has it", "Look"),
    Command("logs.previous", "N", "The line before that has it", "Look"),
    Command(
        "logs.grep",
        "s",
        "Search what the logs hold where they are: RE --since 2h -C 3",
        "Look",
        "search",
        argument="RE",
    ),
    Command("logs.patterns", "P", "What the lines say, folded to patterns", "Look", "patterns"),
    Command("logs.open", "enter", "Look closer at the line: its fields, JSON laid out", "Look", "open"),
    Command("logs.pane", "tab", "Into the closer look and back", "Look"),
    Command("logs.chart", "i", "How many lines and errors came when, or not", "Look", "chart"),
    Command("logs.wrap", "w", "Wrap long lines, or cut them", "Look", "wrap"),
    Command("logs.times", "t", "A column of local times, or the lines raw, as they came", "Look"),
    Command("logs.skew", "K", "Correct clocks that are out, or take them as they are", "Look"),
    Command("logs.columns", "", "Fields in columns before the lines: status,path", "Look", argument="FIELDS"),
    Command("logs.streams", "o", "How the log of each node is being read, and why not", "Look", "streams"),
    Command("logs.clear", "C", "Let go of the lines so far", "Look"),
    Command("logs.back", "escape", "Back: close what is open, drop the search, each filter, then leave", "Look"),
    Command("logs.down", "j,down", "One line down", "Move"),
    Command("logs.up", "k,up", "One line up; stops following", "Move"),
    *_moving("logs", PAGES, space=True),
    Command("logs.first", "g,home", "The oldest line that is kept", "Move"),
    Command("logs.last", "G,end", "The newest line, and follow", "Move", "follow"),
    Command("logs.right", "l,right", "Further along the lines", "Move"),
    Command("logs.left", "h,left", "Back towards the beginning of the lines", "Move"),
    Command("logs.pause", "p", "Stand still; again: follow", "Move", "pause"),
    Command("logs.error", "e", "The next error", "Move", "error"),
    Command("logs.previous-error", "E", "The error before", "Move"),
    Command("logs.at", "", "The first line from a time on: 03:12, 10m, 2026-11-21T02:29", "Move", argument="TIME"),
    Command("logs.skip", "", "So much later or earlier, :+5m for short", "Move", argument="+5m"),
    Command("logs.counted", "x", "The next row that is counted: late, lost, failed, cut", "Move", argument="WHICH"),
    Command("logs.previous-counted", "X", "The row before that is counted", "Move", argument="WHICH"),
    Command("logs.bar-before", "left_square_bracket", "To the bar before in the chart", "Move"),
    Command("logs.bar-after", "right_square_bracket", "To the bar after in the chart", "Move"),
    Command("logs.pin", "b", "Pin the line with a note, for later and for others", "Take", "pin", argument="NOTE"),
    Command("logs.pins", "B", "The lines that were pinned", "Take"),
    Command("logs.copy", "y", "Copy the line", "Take"),
    Command("logs.save", "S", "Save the lines shown to a file", "Take", "save", argument="PATH"),
    # The patterns of a log, what hides its lines, and the pins
    *_moving("patterns", ROWS + PAGES, space=True),
    Command("patterns.choose", "enter", "Only lines of this pattern, in the log", "Filter", "show"),
    Command("patterns.hide", "backslash", "Hide lines of this pattern in the log", "Filter", "hide"),
    Command("patterns.new", "n", "Only what is new: since where the log stands; again: all", "Filter", "new"),
    Command("patterns.since", "", "Only what was first seen since a time: 10m, 03:12", "Filter", argument="TIME"),
    Command("patterns.only", "o", "Only what these nodes alone say; again: all", "Filter", "only here"),
    Command("patterns.mark", "m", "Mark the nodes that say this, and no others", "Mark", "mark nodes"),
    Command("patterns.copy", "y", "Copy the pattern", "Take"),
    Command("patterns.back", "escape,P", "Back to the log", "Look", "back"),
    *_moving("filters", ROWS),
    Command("filters.switch", "space,enter", "Switch it on or off", "Filter"),
    Command("filters.drop", "d,delete", "Drop it", "Filter"),
    Command("filters.back", "escape,F", "Back to the log", "Look"),
    *_moving("pins", ROWS),
    Command("pins.choose", "enter", "Go to where the line is", "Move"),
    Command("pins.forget", "d,delete", "Forget the pin", "Take"),
    Command("pins.copy", "y", "Copy all of them with their notes", "Take"),
    Command("pins.back", "escape,B", "Back to the log", "Look"),
    # What a search at the source has found
    *_moving("search", ROWS + PAGES, space=True),
    Command("search.first", "g,home", "The oldest line", "Move"),
    Command("search.last", "G,end", "The newest line", "Move"),
    Command("search.right", "l,right", "Further along the lines", "Move"),
    Command("search.left", "h,left", "Back towards the beginning of the lines", "Move"),
    Command("search.next", "n", "The next line that matches", "Move"),
    Command("search.previous", "N", "The line before that matches", "Move"),
    Command("search.open", "enter", "Look closer at the line; on a node: only its lines", "Look", "open"),
    Command("search.pane", "tab", "To the counts, the lines, the closer look", "Look", "counts"),
    Command("search.jump", "o", "To this time in the log that is followed", "Move", "in the log"),
    Command("search.mark", "m", "Mark the nodes that hold it, and no others", "Mark", "mark nodes"),
    Command("search.grep", "s", "Search for something else", "Look", "search", argument="RE"),
    Command("search.save", "S", "Save the lines to a file", "Take", "save", argument="PATH"),
    Command("search.find", "f", "Find a text, or a ~regular expression, in these lines", "Look", argument="TEXT"),
    Command("search.wrap", "w", "Wrap long lines, or cut them", "Look"),
    Command("search.times", "t", "A column of local times, or the lines raw, as they came", "Look"),
    Command("search.pin", "b", "Pin the line with a note, for later and for others", "Take", argument="NOTE"),
    Command("search.copy", "y", "Copy the line", "Take"),
    Command("search.back", "escape", "Back: close what is open, stop the search, then to the log", "Look"),
    # What changed
    *_moving("changes", ROWS + PAGES),
    Command("changes.first", "g,home", "The oldest change shown", "Move"),
    Command("changes.last", "G,end", "The newest change, and follow", "Move"),
    Command("changes.next", "n", "The next bad change", "Move"),
    Command("changes.previous", "N", "The bad change before", "Move", "bad"),
    Command("changes.outage", "f", "Where the outage began: the first bad change after quiet", "Move", "first bad"),
    Command(
        "changes.filter", "slash", "Only changes of nodes that a query selects", "Look", "filter", argument="QUERY"
    ),
    Command("changes.longer", "plus,equals_sign", "Look further back", "Look", "longer"),
    Command("changes.shorter", "minus", "Look less far back", "Look"),
    Command("changes.since", "", "Look back to a time: 2h, 03:12, all", "Look", argument="TIME"),
    Command(
        "changes.whose",
        "w",
        "Of everything, of what is marked, of what was under the cursor",
        "Look",
        "whose",
        argument="WHOSE",
    ),
    Command("changes.open", "enter", "Go to the node in the fleet; esc comes back", "Look", "node"),
    Command("changes.tree", "t", "The fleet as it was just before this change", "Look", "then"),
    Command("changes.details", "d", "What was and what is in full, or not", "Look", "details"),
    Command("changes.pane", "tab", "Into the details and back", "Look"),
    Command("changes.mark", "space", "Mark the nodes of this change in the fleet; again: unmark", "Mark"),
    Command("changes.copy", "y", "Copy the change", "Look"),
    Command("changes.back", "escape", "Back: drop the filter, then leave", "Look"),
    # Actions, their plan, their outcomes
    *_moving("actions", ROWS),
    Command("actions.choose", "enter", "Go on with this action", "Act", "choose"),
    Command("actions.back", "escape", "Back", "Look"),
    Command("plan.confirm", "y", "Carry it out", "Act"),
    *_moving("plan", ROWS),
    Command("plan.ask", "R", "Ask others to approve it", "Act", "ask approval"),
    Command("plan.break-glass", "B", "Go on in an emergency, with a reason", "Act"),
    Command("plan.back", "escape", "Do nothing", "Act"),
    Command("ask.back", "escape", "Refuse to answer", "Act"),
    *_moving("outcomes"),
    Command("outcomes.retry", "r", "The same again for the nodes that failed", "Act", "retry failed"),
    Command("outcomes.undo", "u", "Take back what was done, where that can be done", "Act", "undo"),
    Command("outcomes.mark", "m", "Mark the nodes that failed, and no others", "Act", "mark failed"),
    Command("outcomes.cancel", "c", "Begin no further node; those under way go on", "Act", "cancel rest"),
    Command("outcomes.trouble", "f", "Show only what is not well, or everything", "Look", "only trouble"),
    Command("outcomes.copy", "y", "Copy the table", "Look", "copy"),
    Command("outcomes.back", "escape", "Back; what runs goes on", "Look", "back"),
    # Approvals, freezes, and the audit trail
    *_moving("approvals", ROWS + PAGES),
    Command("approvals.pane", "tab", "Into what is known of it, and back", "Look"),
    Command("approvals.approve", "a", "Approve the plan", "Act", "approve", changes=True),
    Command("approvals.reject", "r", "Reject the plan, with the reason", "Act", "reject", changes=True),
    Command(
        "approvals.carry-out", "enter", "Carry the plan out, once it is approved", "Act", "carry out", changes=True
    ),
    Command("approvals.withdraw", "w", "Take back what you asked for", "Act", "withdraw", changes=True),
    Command("approvals.review", "v", "Say what came of looking at a break-glass", "Act", "review", changes=True),
    Command("approvals.closed", "f", "List what is closed too, or not", "Look"),
    Command("approvals.copy", "y", "Copy all that is known of it", "Look"),
    Command("approvals.back", "escape", "Back", "Look", "back"),
    *_moving("freezes", ROWS),
    Command("freezes.back", "escape", "Back", "Look"),
    *_moving("audit", ROWS + PAGES),
    Command("audit.first", "g,home", "The oldest record shown", "Move"),
    Command("audit.last", "G,end", "The newest record, and follow", "Move", "follow"),
    Command(
        "audit.filter", "slash", "Only records with words, user= event= node= plan=", "Look", "filter", argument="TEXT"
    ),
    Command("audit.plan", "p", "Only the records of this record's plan", "Look", "same plan"),
    Command("audit.pane", "tab,enter", "Into the record, and back", "Look", "record"),
    Command("audit.verify", "v", "Follow the chain from the first record to the last", "Look", "verify"),
    Command("audit.export", "S", "Write the whole trail to a file", "Take", "export", argument="PATH"),
    Command("audit.copy", "y", "Copy the record as it was sealed", "Take"),
    Command("audit.back", "escape", "Back: drop the filter, then leave", "Look", "back"),
    # Runbooks and their runs
    *_moving("runbooks", ROWS),
    Command("runbooks.choose", "enter", "Start this runbook: first what it needs, then its plan", "Act", "choose"),
    Command("runbooks.back", "escape", "Back", "Look"),
    Command("start.plan", "ctrl+s", "Show the plan", "Act", "plan"),
    Command("start.back", "escape", "Do nothing", "Look"),
    *_moving("runs", space=True),
    Command("runs.open", "enter", "Watch this run", "Look", "watch"),
    Command(
        "runs.filter",
        "slash",
        "Only runs with words: of a runbook, by whom, how it stands",
        "Look",
        "filter",
        argument="WORDS",
    ),
    Command("runs.runbooks", "r", "Start a runbook", "Act", "start one", argument="NAME"),
    Command("runs.copy", "y", "Copy the id of the run", "Look", "copy id"),
    Command("runs.back", "escape", "Back: drop the filter, then leave", "Look", "back"),
    *_moving("run", space=True),
    Command("run.next", "n", "The next node that has failed", "Move"),
    Command("run.previous", "N", "The node before that has failed", "Move"),
    Command("run.open", "enter", "Unfold a group; of a node, what its steps print", "Look", "open"),
    Command("run.output", "o", "What the steps of this node print", "Look", "output"),
    Command("run.approve", "a", "Approve what the run waits for", "Act", "approve", changes=True),
    Command("run.reject", "x", "Reject what the run waits for, with the reason", "Act", "reject", changes=True),
    Command("run.answer", "i", "Tell the run what it asks for", "Act", "answer", changes=True),
    Command("run.pause", "p", "Have the run pause; again: go on", "Act", "pause", changes=True),
    Command(
        "run.abort",
        "c",
        "Have the run end: what is under way is ended, nothing is rolled back",
        "Act",
        "abort",
        changes=True,
    ),
    Command("run.retry", "r", "Do again what failed", "Act", "retry", changes=True),
    Command("run.resume", "u", "Do what failed and what was not begun", "Act", "the rest", changes=True),
    Command("run.roll-back", "b", "Take back what was done, the last first", "Act", "roll back", changes=True),
    Command("run.pane", "tab", "Into the output, and back", "Look"),
    Command("run.mark", "m", "Mark the nodes that failed in the fleet, and no others", "Look", "mark failed"),
    Command("run.tree", "t", "Go to the node in the fleet; esc comes back", "Look", "node"),
    Command("run.filter", "slash", "Only nodes in whose names words stand", "Look", argument="WORDS"),
    Command("run.copy", "y", "Copy how every node stands", "Look"),
    Command(
        "run.back", "escape", "Back: close the output, drop the filter, then leave; the run goes on", "Look", "back"
    ),
    # Services beside their blueprints
    *_moving("blueprints", ROWS + ENDS),
    Command("blueprints.open", "enter", "Its tiers and nodes, and what differs", "Look", "open"),
    Command("blueprints.check", "c", "Ask the nodes what only they can tell: checks, versions", "Look", "check"),
    Command("blueprints.diff", "d", "Beside another environment", "Look", "side by side"),
    Command("blueprints.start", "s", "Start it, each tier after all that it needs", "Act", "start", changes=True),
    Command("blueprints.stop", "S", "Stop it, each tier before all that it needs", "Act", "stop", changes=True),
    Command("blueprints.restart", "R", "Restart it, each tier after all that it needs", "Act", "restart", changes=True),
    Command("blueprints.back", "escape", "Back", "Look"),
    *_moving("blueprint"),
    Command("blueprint.open", "enter", "Go to the node in the fleet; esc comes back", "Look", "node"),
    Command("blueprint.all", "f", "The nodes that are as declared too, or only what differs", "Look", "all nodes"),
    Command("blueprint.check", "c", "Ask the nodes what only they can tell: checks, versions", "Look", "check"),
    Command("blueprint.diff", "d", "Beside another environment", "Look", "side by side"),
    Command("blueprint.start", "s", "Start it, each tier after all that it needs", "Act", "start", changes=True),
    Command("blueprint.stop", "S", "Stop it, each tier before all that it needs", "Act", "stop", changes=True),
    Command("blueprint.restart", "R", "Restart it, each tier after all that it needs", "Act", "restart", changes=True),
    Command("blueprint.back", "escape", "Back", "Look"),
    *_moving("blueprint-diff", ROWS),
    Command("blueprint-diff.next", "d", "The next environment beside it", "Look", "next environment"),
    Command("blueprint-diff.all", "f", "What is the same too, or only what differs", "Look", "all"),
    Command("blueprint-diff.back", "escape", "Back", "Look", "back"),
    # A command on many nodes, and what they answer
    Command("exec.past", "up", "Take the command before this one from the history", "Look"),
    Command("exec.later", "down", "Take the command after this one", "Look"),
    Command("exec.complete", "tab", "Complete from the history; else the next field", "Look"),
    Command("exec.sudo", "ctrl+s", "As root, by sudo; or as who we are there", "Act", "as root"),
    Command("exec.back", "escape", "Do nothing", "Act"),
    *_moving("answers"),
    Command("answers.pane", "tab,enter", "Into the output, and back", "Look", "output"),
    Command("answers.nodes", "n", "A row for each node, or one for each answer", "Look", "nodes"),
    Command("answers.diff", "d", "As it differs from the majority, or all of it", "Look", "diff"),
    Command("answers.mark", "m", "Mark the nodes of this row, and no others", "Act", "mark"),
    Command("answers.retry", "r", "Again where it failed or was ended", "Act", "retry", changes=True),
    Command("answers.rest", "R", "On those where it was not begun", "Act", changes=True),
    Command("answers.break-glass", "B", "In an emergency on those where it was denied", "Act", changes=True),
    Command("answers.cancel", "c", "End it where it runs, begin it nowhere else", "Act", "cancel"),
    Command("answers.save", "S", "Save every answer to a folder", "Take", "save", argument="PATH"),
    Command("answers.copy", "y", "Copy the lines shown", "Take"),
    Command("answers.back", "escape", "Back; what runs goes on", "Look", "back"),
    # Help and the command line: the letters are for typing
    Command("help.down", "down", "One row down", "Move"),
    Command("help.up", "up", "One row up", "Move"),
    Command("help.back", "escape", "Back", "Look"),
    Command("command.complete", "tab", "Complete what is typed", "Look"),
    Command("command.back", "escape", "Back", "Look"),
    # The streams of a log
    *_moving("streams", ROWS),
    Command("streams.mute", "m", "Hide the lines of this node; again: show them", "Filter", "mute"),
    Command("streams.solo", "M", "Only the lines of this node; again: of all", "Filter", "solo"),
    Command("streams.back", "escape,o", "Back to the log", "Look", "back"),
    # The links of a node
    *_moving("links", ROWS + PAGES),
    Command("links.choose", "enter", "Go to this node", "Look", "go there"),
    Command("links.back", "escape,x", "Back", "Look", "back"),
    # Discovery
    *_moving("discover", ROWS),
    Command("discover.switch", "space", "Switch the source on or off", "Sources", "on/off"),
    Command("discover.connect", "enter", "Connect to what is on", "Sources", "connect"),
)
