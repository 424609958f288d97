"""RE2 expressions read into a small tree, with what grep cannot say widened. Pure; `spelling` writes it out.

Programs on a host look at bytes (`grep -E` in the C locale, `rg` without Unicode); RE2 looks at characters in UTF-8.
The tree never misses a line that RE2 finds. It may find more, as `exact` says: whoever takes the lines looks again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ASCII = frozenset(range(128)) - {10}
"""Bytes of a line that are characters; it has no line end in it."""
COUNTS = 255
"""As far as every grep can count a repetition."""
_LARGEST = 3000
"""Places of a tree, repetitions multiplied out, that a host's program is given; beyond that it is widened."""
_FEW = 32
"""Characters beyond ASCII that are spelled out; more are widened to all."""
_FOLDED = {"k": "\u212a", "s": "\u017f"}
"""What RE2 takes for an ASCII letter when case is ignored: the signs of Kelvin and the long s."""

_PERL = {
    "d": frozenset(b"0123456789"),
    "s": frozenset(b"\t\f\r "),
    "w": frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"),
}
_POSIX = {
    "alnum": _PERL["w"] - {95},
    "alpha": _PERL["w"] - {95} - _PERL["d"],
    "ascii": ASCII,
    "blank": frozenset(b"\t "),
    "cntrl": frozenset(range(32)) - {10} | {127},
    "digit": _PERL["d"],
    "graph": frozenset(range(33, 127)),
    "lower": frozenset(range(97, 123)),
    "print": frozenset(range(32, 127)),
    "punct": frozenset(range(33, 127)) - _PERL["w"] | {95},
    "space": _PERL["s"] | {11},
    "upper": frozenset(range(65, 91)),
    "word": _PERL["w"],
    "xdigit": frozenset(b"0123456789ABCDEFabcdef"),
}
_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_REPEAT = re.compile(r"\{(\d+)(,)?(\d+)?\}")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAME = re.compile(r"\(\?P?<\w+>")
_CODE = re.compile(r"x\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{2})|([0-7]{1,3})")
_PROPERTY = re.compile(r"[pP](?:\{[^}]*\}|.)")


@dataclass(frozen=True)
class Chars:
    """One character out of several."""

    ascii: frozenset[int]
    others: str | None = ""
    """Those beyond ASCII; None: all of them."""


@dataclass(frozen=True)
class Anchor:
    """The beginning or the end of the line: `^` or `$`."""

    sign: str


@dataclass(frozen=True)
class Sequence:
    """One after the other; none: nothing."""

    parts: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One of them."""

    branches: tuple[Tree, ...]


@dataclass(frozen=True)
class Repeat:
    """So many times; `most` None: without end."""

    part: Tree
    least: int
    most: int | None


Tree = Chars | Anchor | Sequence | Choice | Repeat

_ANY = Chars(ASCII, None)


def parsed(expression: str, *, ignore_case: bool) -> tuple[Tree, bool]:
    """The tree of an expression that RE2 has accepted, and whether it finds what RE2 finds and no more."""
    reader = _Reader(expression, ignore_case)
    try:
        tree = reader.choice()
    except (IndexError, ValueError, KeyError):  # something of RE2 that is not known here: every line is a candidate
        return Sequence(), False
    if reader.at < len(expression):
        return Sequence(), False
    if size(tree) > _LARGEST:
        return Sequence(), False
    return tree, reader.exact


def text(wanted: str, *, ignore_case: bool) -> tuple[Tree, bool]:
    """The same of a text that is taken as it is."""
    reader = _Reader(wanted, ignore_case)
    return Sequence(tuple(reader.literal(ord(char)) for char in wanted)), reader.exact


def size(tree: Tree) -> int:
    """How many places it has, repetitions multiplied out."""
    match tree:
        case Sequence(parts) | Choice(parts):
            return sum(map(size, parts))
        case Repeat(part, least, most):
            return size(part) * max(least if most is None else most, 1)
    return 1


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, expression: str, fold: bool) -> None:
        self.expression = expression
        self.at = 0
        self.fold = fold
        self.exact = True

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.expression, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def _next(self) -> str:
        char = self.expression[self.at]
        self.at += 1
        return char

    def _sees(self, text: str) -> bool:
        return self.expression.startswith(text, self.at)

    # -- the structure ---------------------------------------------------------

    def choice(self) -> Tree:
        """Branches up to the end of the group; flags that are set in it end with it."""
        fold = self.fold
        branches = [self._sequence()]
        while self._sees("|"):
            self.at += 1
            branches.append(self._sequence())
        self.fold = fold
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self) -> Tree:
        parts: list[Tree] = []
        while self.at < len(self.expression) and self.expression[self.at] not in "|)":
            if self._sees(r"\Q"):
                parts += self._quoted()
                continue
            part = self._part()
            parts.append(part)
            if (repeated := self._repeated(part)) is not None:
                parts[-1] = repeated
        return Sequence(tuple(parts))

    def _quoted(self) -> list[Tree]:
        end = self.expression.find(r"\E", self.at)
        inner = self.expression[self.at + 2 : len(self.expression) if end < 0 else end]
        self.at = len(self.expression) if end < 0 else end + 2
        parts: list[Tree] = [self.literal(ord(char)) for char in inner]
        if parts and (repeated := self._repeated(parts[-1])) is not None:
            parts[-1] = repeated
        return parts

    def _part(self) -> Tree:
        if self._sees("("):
            return self._group()
        char = self._next()
        match char:
            case ".":
                return _ANY
            case "^" | "$":
                return Anchor(char)
            case "[":
                return self._class()
            case "\\":
                return self._escape()
        return self.literal(ord(char))

    def _group(self) -> Tree:
        if (flags := self._take(_FLAGS)) is not None:
            fold = self.fold
            self.fold = ("i" in flags[1] or fold) and "i" not in (flags[2] or "")
            if flags[3] == ")":
                return Sequence()
            inner = self.choice()
            self.fold = fold
        elif self._take(_NAME) is not None:
            inner = self.choice()
        else:
            self.at += 1
            inner = self.choice()
        if self._next() != ")":
            raise ValueError
        return inner

    def _repeated(self, part: Tree) -> Tree | None:
        """The part with the repetition that stands behind it; None when none does."""
        if (count := self._take(_REPEAT)) is not None:
            least = int(count[1])
            most = (int(count[3]) if count[3] else None) if count[2] else least
        elif self.at < len(self.expression) and self.expression[self.at] in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self._next()]
        else:
            return None
        if self._sees("?"):  # lazy: the same lines
            self.at += 1
        return self._counted(part, least, most)

    def _counted(self, part: Tree, least: int, most: int | None) -> Tree:
        if not _takes_room(part):
            return part if least else Sequence()
        if most == 0:
            return Sequence()
        if least > COUNTS or (most is not None and most > COUNTS) or size(Repeat(part, least, most)) > _LARGEST:
            self.exact = False
            return Repeat(part, min(least, 1), None)
        return Repeat(part, least, most)

    # -- characters ------------------------------------------------------------

    def literal(self, code: int) -> Tree:
        """One character."""
        return self._chars(frozenset({code}) if code < 128 else frozenset(), "" if code < 128 else chr(code))

    def _chars(self, codes: frozenset[int], others: str | None) -> Tree:
        """One of these characters, or of those that they are when case is ignored."""
        if self.fold:
            codes = _both_cases(codes)
            if others != "":  # which others fold to which is left to RE2
                codes, others, self.exact = codes | frozenset(b"kKsS"), None, False
            else:
                others = "".join(other for letter, other in _FOLDED.items() if ord(letter) in codes)
        if not codes & ASCII and others == "":  # it is in no line
            self.exact = False
            return Sequence()
        return Chars(codes & ASCII, others)

    def _all_but(self, codes: frozenset[int], others: str | None) -> Tree:
        """A character that is none of these."""
        if self.fold:
            self.exact = self.exact and others == "" and not codes & frozenset(b"kKsS")
            return Chars(ASCII - _both_cases(codes), None)
        if others is None:
            return self._chars(ASCII - codes, "")
        self.exact = self.exact and others == ""
        return Chars(ASCII - codes, None)

    def _escape(self) -> Tree:
        if (found := self._take(_CODE)) is not None:
            return self.literal(_code(found))
        if self._take(_PROPERTY) is not None:
            self.exact = False
            return _ANY
        char = self._next()
        match char:
            case "A":
                return Anchor("^")
            case "z":
                return Anchor("$")
            case "b" | "B":
                self.exact = False
                return Sequence()
            case "C":
                self.exact = False
                return Repeat(_ANY, 0, 1)
            case "d" | "s" | "w":
                return self._chars(_PERL[char], "")
            case "D" | "S" | "W":
                return self._all_but(_PERL[char.lower()], "")
        if char in _CONTROLS:
            return self.literal(_CONTROLS[char])
        if char.isalnum():
            raise ValueError
        return self.literal(ord(char))

    def _class(self) -> Tree:
        negated = self._sees("^")
        self.at += negated
        codes: frozenset[int] = frozenset()
        others: str | None = ""
        vague = False
        first = True
        while first or not self._sees("]"):
            first = False
            item = self._item()
            if item is None:
                vague = True
                continue
            codes |= item[0]
            others = None if others is None or item[1] is None else others + item[1]
        self.at += 1
        if vague:
            self.exact = False
            return _ANY
        return self._all_but(codes, others) if negated else self._chars(codes, others)

    def _item(self) -> tuple[frozenset[int], str | None] | None:
        """The ASCII characters of one item of a class, and the others; None when only RE2 knows which they are."""
        if self._sees("[:") and (end := self.expression.find(":]", self.at)) > 0:
            name = self.expression[self.at + 2 : end]
            self.at = end + 2
            codes = _POSIX[name.lstrip("^")]
            return (ASCII - codes, None) if name.startswith("^") else (codes, "")
        if self._sees("\\"):
            self.at += 1
            if self._take(_PROPERTY) is not None:
                return None
            letter = self.expression[self.at]
            if letter.lower() in _PERL:
                self.at += 1
                codes = _PERL[letter.lower()]
                return (codes, "") if letter.islower() else (ASCII - codes, None)
            self.at -= 1
        low = high = self._code_point()
        if self._sees("-") and not self._sees("-]"):
            self.at += 1
            high = self._code_point()
        codes = frozenset(range(low, min(high, 127) + 1))
        low = max(low, 128)
        if high - low < _FEW:
            return codes, "".join(map(chr, range(low, high + 1)))
        return (codes, None) if (low, high) == (128, 0x10FFFF) else None

    def _code_point(self) -> int:
        char = self._next()
        if char != "\\":
            return ord(char)
        if (found := self._take(_CODE)) is not None:
            return _code(found)
        char = self._next()
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char.isalnum():
            raise ValueError
        return ord(char)


def _both_cases(codes: frozenset[int]) -> frozenset[int]:
    return codes | {ord(chr(code).swapcase()) for code in codes if code < 128 and chr(code).isalpha()}


def _code(found: re.Match[str]) -> int:
    return int(found[3], 8) if found[3] else int(found[1] or found[2], 16)


def _takes_room(tree: Tree) -> bool:
    """Whether it can match anything but the empty text."""
    match tree:
        case Anchor():
            return False
        case Sequence(parts) | Choice(parts):
            return any(map(_takes_room, parts))
        case Repeat(part):
            return _takes_room(part)
    return True
