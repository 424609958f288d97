"""The commands and options that the documents quote are those of the program."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from calmtui.cli.app import app
from calmtui.cli.run import RUNBOOK

TOP = Path(__file__).parents[3]
DOCUMENTS = [TOP / "README.md", TOP / "CHANGELOG.md", *sorted((TOP / "docs").glob("*.md"))]
SPAN = re.compile(r"`((?:[^`\n]*\| )?calmtui [^`]+)`|^ *(?:\$ )?(calmtui [^\n#]+)", re.MULTILINE)
"""A command line between backquotes, or on a line of its own."""


def quoted() -> Iterator[tuple[str, str]]:
    """Documents and the command lines in them, the words of a table's cell without its escapes."""
    for document in DOCUMENTS:
        fenced = "".join(re.findall(r"^```.*?^```", document.read_text(), re.MULTILINE | re.DOTALL))
        spans = [one for one, _ in SPAN.findall(document.read_text())] + [two for _, two in SPAN.findall(fenced)]
        for span in filter(None, spans):
            yield document.name, span.rpartition("| calmtui")[2].removeprefix("calmtui").replace("\\|", "|")


def check(line: str) -> None:
    """Follow a line's words from command to command; each option must be one of the command that it stands behind."""
    command: Any = get_command(app)
    words = iter(shlex.split(re.sub(r"[\[\]…]", "", line)))
    for word in words:
        if word == "--":
            return
        if word.startswith("-") and word != "-":
            command = commands_of(command).get(RUNBOOK, command)
            options = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
            assert word in {*options, "--help"}, f"{command.name} has no option {word}"
            if word in options and not options[word].is_flag:
                next(words, None)
        elif inner := commands_of(command):
            for name in word.split("|"):
                assert name in inner or RUNBOOK in inner, f"{command.name} has no command {name}"
            command = inner.get(word.rpartition("|")[2], inner.get(RUNBOOK))


def commands_of(command: Any) -> dict[str, Any]:
    """The commands of a group; none of a command."""
    return getattr(command, "commands", {})


def test_every_command_line_in_the_documents_is_one_of_the_program() -> None:
    lines = list(quoted())
    assert len(lines) > 40, "the documents quote the program"
    for document, line in lines:
        try:
            check(line)
        except AssertionError as error:
            raise AssertionError(f"{document}: calmtui{line}: {error}") from None


@pytest.mark.parametrize("line", ["lss", "ls --nowhere", "run steer --no", "blueprint start|stopp NAME", "-i X lss"])
def test_what_the_program_has_not_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        check(line)


def test_every_option_that_is_quoted_alone_is_one_of_some_command() -> None:
    known: set[str] = {"--help"}

    def collect(command: Any) -> None:
        for one in command.params:
            known.update(one.opts, one.secondary_opts)
        for inner in commands_of(command).values():
            collect(inner)

    collect(get_command(app))
    for document in DOCUMENTS:
        for option in re.findall(r"`(--[a-z-]+)", document.read_text()):
            assert option in known, f"{document.name}: {option}"
