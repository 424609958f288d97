"""Problems: what is wrong in a file that a person wrote, each with its place; all of a file are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from calmtui import sanitise
from calmtui.errors import UsageError


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong. Sorts by its place."""

    file: str
    line: int
    """From 1; 0 when it is the file as a whole."""
    column: int
    """From 1; 0 when it is the file as a whole."""
    what: str
    allowed: str = ""
    """What would be right: the values that may stand there, or what to do."""
    did_you_mean: str = ""
    """The spelling that was probably meant."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        text = f"{where}: {self.what}"
        if self.allowed:
            text += f"; {self.allowed}"
        if self.did_you_mean:
            text += f"; did you mean {self.did_you_mean!r}?"
        return sanitise.word(text)


class EstateError(UsageError):
    """A file cannot be used as it stands. `problems` holds everything that is wrong with it, in its order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        first = self.problems[0]
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{count} in {first.file}", where=first.file)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def closest(word: str, known: Iterable[str]) -> str:
    """The known spelling that is nearest to what was written; empty when none is near."""
    by_fold = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word[:100].casefold(), by_fold, n=1)
    return by_fold[found[0]] if found else ""


def one_of(known: Sequence[str]) -> str:
    """The allowed spellings as a clause: `allowed: a, b, c`."""
    return f"allowed: {', '.join(known)}" if known else "nothing is allowed here"
