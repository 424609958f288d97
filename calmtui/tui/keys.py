"""The one table of what can be done from the keyboard: bindings, footer, help, palette and `:` all derive from it.

To add a command: a line in `TABLE`, and a method `action_NAME` on the screen named by its first
part (`fleet.mark` is `action_mark` of the screen whose `where` is "fleet"; `app.…` is the app's;
a dash becomes an underscore). The screen takes its bindings with `BINDINGS = keys.bindings("fleet")`.
The footer, help and palette follow from the screen's `where`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from calmtui.estate.problems import Problem, closest


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
        """The method that does it, on the screen or the app."""
        return "action_" + self.name.replace("-", "_")


TABLE: tuple[Command, ...] = (
    Command("app.help", "question_mark,f1", "What can be done here; searchable, and it does it", "Anywhere", "help"),
    Command("app.command", "colon", "Type a command by its name", "Anywhere", "command"),
    Command("app.palette", "ctrl+p", "Find a command by any part of its name", "Anywhere"),
    Command("app.outcomes", "O", "The outcomes of what was carried out last", "Anywhere"),
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
    Command("fleet.down", "j,down", "One row down", "Move"),
    Command("fleet.up", "k,up", "One row up", "Move"),
    Command("fleet.first", "g,home", "First row", "Move"),
    Command("fleet.last", "G,end", "Last row", "Move"),
    Command("fleet.page-down", "pagedown,ctrl+d", "One page down", "Move"),
    Command("fleet.page-up", "pageup,ctrl+u", "One page up", "Move"),
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
    Command("fleet.retry", "r", "Try the failing sources again now", "Act", argument="SOURCE", present=True),
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
    Command("logs.page-down", "pagedown,ctrl+d,space", "One page down", "Move"),
    Command("logs.page-up", "pageup,ctrl+u", "One page up", "Move"),
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
    Command("patterns.down", "j,down", "One row down", "Move"),
    Command("patterns.up", "k,up", "One row up", "Move"),
    Command("patterns.page-down", "pagedown,ctrl+d,space", "One page down", "Move"),
    Command("patterns.page-up", "pageup,ctrl+u", "One page up", "Move"),
    Command("patterns.choose", "enter", "Only lines of this pattern, in the log", "Filter", "show"),
    Command("patterns.hide", "backslash", "Hide lines of this pattern in the log", "Filter", "hide"),
    Command("patterns.new", "n", "Only what is new: since where the log stands; again: all", "Filter", "new"),
    Command("patterns.since", "", "Only what was first seen since a time: 10m, 03:12", "Filter", argument="TIME"),
    Command("patterns.only", "o", "Only what these nodes alone say; again: all", "Filter", "only here"),
    Command("patterns.mark", "m", "Mark the nodes that say this, and no others", "Mark", "mark nodes"),
    Command("patterns.copy", "y", "Copy the pattern", "Take"),
    Command("patterns.back", "escape,P", "Back to the log", "Look", "back"),
    Command("filters.down", "j,down", "One row down", "Move"),
    Command("filters.up", "k,up", "One row up", "Move"),
    Command("filters.switch", "space,enter", "Switch it on or off", "Filter"),
    Command("filters.drop", "d,delete", "Drop it", "Filter"),
    Command("filters.back", "escape,F", "Back to the log", "Look"),
    Command("pins.down", "j,down", "One row down", "Move"),
    Command("pins.up", "k,up", "One row up", "Move"),
    Command("pins.choose", "enter", "Go to where the line is", "Move"),
    Command("pins.forget", "d,delete", "Forget the pin", "Take"),
    Command("pins.copy", "y", "Copy all of them with their notes", "Take"),
    Command("pins.back", "escape,B", "Back to the log", "Look"),
    # What a search at the source has found
    Command("search.down", "j,down", "One row down", "Move"),
    Command("search.up", "k,up", "One row up", "Move"),
    Command("search.page-down", "pagedown,ctrl+d,space", "One page down", "Move"),
    Command("search.page-up", "pageup,ctrl+u", "One page up", "Move"),
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
    Command("changes.down", "j,down", "One row down", "Move"),
    Command("changes.up", "k,up", "One row up", "Move"),
    Command("changes.page-down", "pagedown,ctrl+d", "One page down", "Move"),
    Command("changes.page-up", "pageup,ctrl+u", "One page up", "Move"),
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
    Command("actions.down", "j,down", "One row down", "Move"),
    Command("actions.up", "k,up", "One row up", "Move"),
    Command("actions.choose", "enter", "Go on with this action", "Act", "choose"),
    Command("actions.back", "escape", "Back", "Look"),
    Command("plan.confirm", "y", "Carry the plan out", "Act"),
    Command("plan.down", "j,down", "One row down", "Move"),
    Command("plan.up", "k,up", "One row up", "Move"),
    Command("plan.ask", "A", "Ask others to approve the plan", "Act", "ask approval"),
    Command("plan.break-glass", "B", "Go on in an emergency, with a reason", "Act"),
    Command("plan.back", "escape", "Do nothing", "Act"),
    Command("ask.back", "escape", "Refuse to answer", "Act"),
    Command("outcomes.down", "j,down", "One row down", "Move"),
    Command("outcomes.up", "k,up", "One row up", "Move"),
    Command("outcomes.page-down", "pagedown,ctrl+d", "One page down", "Move"),
    Command("outcomes.page-up", "pageup,ctrl+u", "One page up", "Move"),
    Command("outcomes.first", "g,home", "First row", "Move"),
    Command("outcomes.last", "G,end", "Last row", "Move"),
    Command("outcomes.retry", "r", "The same again for the nodes that failed", "Act", "retry failed"),
    Command("outcomes.undo", "u", "Take back what was done, where that can be done", "Act", "undo"),
    Command("outcomes.mark", "m", "Mark the nodes that failed, and no others", "Act", "mark failed"),
    Command("outcomes.cancel", "c", "Begin no further node; those under way go on", "Act", "cancel rest"),
    Command("outcomes.trouble", "f", "Show only what is not well, or everything", "Look", "only trouble"),
    Command("outcomes.copy", "y", "Copy the table", "Look", "copy"),
    Command("outcomes.back", "escape", "Back; what runs goes on", "Look", "back"),
    # Approvals, freezes, and the audit trail
    Command("approvals.down", "j,down", "One row down", "Move"),
    Command("approvals.up", "k,up", "One row up", "Move"),
    Command("approvals.page-down", "pagedown,ctrl+d", "One page down in what is known of it", "Move"),
    Command("approvals.page-up", "pageup,ctrl+u", "One page up in what is known of it", "Move"),
    Command("approvals.pane", "tab", "Into what is known of it, and back", "Look"),
    Command("approvals.approve", "a", "Approve the plan", "Act", "approve"),
    Command("approvals.reject", "r", "Reject the plan, with the reason", "Act", "reject"),
    Command("approvals.carry-out", "enter", "Carry the plan out, once it is approved", "Act", "carry out"),
    Command("approvals.withdraw", "w", "Take back what you asked for", "Act", "withdraw"),
    Command("approvals.review", "v", "Say what came of looking at a break-glass", "Act", "review"),
    Command("approvals.closed", "f", "List what is closed too, or not", "Look"),
    Command("approvals.copy", "y", "Copy all that is known of it", "Look"),
    Command("approvals.back", "escape", "Back", "Look", "back"),
    Command("freezes.down", "j,down", "One row down", "Move"),
    Command("freezes.up", "k,up", "One row up", "Move"),
    Command("freezes.back", "escape", "Back", "Look"),
    Command("audit.down", "j,down", "One row down", "Move"),
    Command("audit.up", "k,up", "One row up", "Move"),
    Command("audit.page-down", "pagedown,ctrl+d", "One page down", "Move"),
    Command("audit.page-up", "pageup,ctrl+u", "One page up", "Move"),
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
    # A command on many nodes, and what they answer
    Command("run.past", "up", "Take the command before this one from the history", "Look"),
    Command("run.later", "down", "Take the command after this one", "Look"),
    Command("run.complete", "tab", "Complete from the history; else the next field", "Look"),
    Command("run.sudo", "ctrl+s", "As root, by sudo; or as who we are there", "Act", "as root"),
    Command("run.back", "escape", "Do nothing", "Act"),
    Command("answers.down", "j,down", "One row down", "Move"),
    Command("answers.up", "k,up", "One row up", "Move"),
    Command("answers.page-down", "pagedown,ctrl+d", "One page down", "Move"),
    Command("answers.page-up", "pageup,ctrl+u", "One page up", "Move"),
    Command("answers.first", "g,home", "First row", "Move"),
    Command("answers.last", "G,end", "Last row", "Move"),
    Command("answers.pane", "tab,enter", "Into the output, and back", "Look", "output"),
    Command("answers.nodes", "n", "A row for each node, or one for each answer", "Look", "nodes"),
    Command("answers.diff", "d", "As it differs from the majority, or all of it", "Look", "diff"),
    Command("answers.mark", "m", "Mark the nodes of this row, and no others", "Act", "mark"),
    Command("answers.retry", "r", "Again where it failed or was ended", "Act", "retry", changes=True),
    Command("answers.rest", "R", "On those where it was not begun", "Act", changes=True),
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
    Command("streams.down", "j,down", "One row down", "Move"),
    Command("streams.up", "k,up", "One row up", "Move"),
    Command("streams.mute", "m", "Hide the lines of this node; again: show them", "Filter", "mute"),
    Command("streams.solo", "M", "Only the lines of this node; again: of all", "Filter", "solo"),
    Command("streams.back", "escape,o", "Back to the log", "Look", "back"),
    # The links of a node
    Command("links.down", "j,down", "One row down", "Move"),
    Command("links.up", "k,up", "One row up", "Move"),
    Command("links.page-down", "pagedown,ctrl+d", "One page down", "Move"),
    Command("links.page-up", "pageup,ctrl+u", "One page up", "Move"),
    Command("links.choose", "enter", "Go to this node", "Look", "go there"),
    Command("links.back", "escape,x", "Back", "Look", "back"),
    # Discovery
    Command("discover.down", "j,down", "One row down", "Move"),
    Command("discover.up", "k,up", "One row up", "Move"),
    Command("discover.switch", "space", "Switch the source on or off", "Sources", "on/off"),
    Command("discover.connect", "enter", "Connect to what is on", "Sources", "connect"),
)


def _of(where: str) -> list[Command]:
    return [command for command in TABLE if command.where == where]


def offered(where: str) -> list[Command]:
    """The commands that a screen offers, its own before those of the whole app."""
    return [*_of(where), *_of("app")]


def bindings(*places: str) -> list[BindingType]:
    """Textual's bindings for a screen; every key leads through `App.action_run`, which knows what is refused."""
    return [
        Binding(command.keys, f"app.run({command.id!r})", command.sentence, id=command.id)
        for where in places
        for command in _of(where)
        if command.keys
    ]


def command(command_id: str) -> Command | None:
    """The command of that id, or None."""
    return next((command for command in TABLE if command.id == command_id), None)


def problems(rebound: Mapping[str, str], where: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the ids of a table of rebound keys.

    `where` says where each stands, `keys.ID` to `FILE:LINE:COLUMN`, as `Settings.where` has it.
    """
    ids = [command.id for command in TABLE]
    found = []
    for command_id in rebound:
        if command_id not in ids:
            file, line, column = [*where.get(f"keys.{command_id}", "").rsplit(":", 2), "0", "0"][:3]
            what = f"there is no command {command_id!r}"
            found.append(
                Problem(file or "keys", int(line), int(column), what, "`?` lists them", closest(command_id, ids))
            )
    return found


_NAMES = {
    "question_mark": "?", "colon": ":", "slash": "/", "asterisk": "*", "tilde": "~", "minus": "-", "escape": "esc",
    "backslash": "\\", "pagedown": "pgdn", "pageup": "pgup", "ctrl+@": "ctrl+space",
    "down": "↓", "up": "↑", "left": "←", "right": "→",
    "plus": "+", "exclamation_mark": "!", "left_square_bracket": "[", "right_square_bracket": "]", "comma": ",",
}  # fmt: skip


def shown(command: Command, rebound: Mapping[str, str]) -> list[str]:
    """Its keys as people write them, after rebinding."""
    return [_NAMES.get(key.strip(), key.strip()) for key in rebound.get(command.id, command.keys).split(",") if key]
