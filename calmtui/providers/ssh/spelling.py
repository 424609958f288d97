"""Trees of expressions as `grep -E` and as `rg` spell them, byte by byte. Pure.

Both are ASCII, so that they can be an argument of any command line: what is not stands as `printf %b` (grep) or
the regex crate (rg) reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from calmtui.providers.ssh.expression import ASCII, Anchor, Chars, Choice, Repeat, Sequence, Tree

_SPECIAL = frozenset(b".[()*+?{|^$\\")
_PLACED = frozenset(b"]^-[")
"""What has a meaning in brackets, depending on its place."""

_CARRIAGE_RETURN = frozenset({13})

Spell = Callable[[frozenset[int]], str]
"""One byte out of several."""


def for_grep(tree: Tree) -> str:
    """As `grep -E` in the C locale takes it, once `printf %b` has made bytes of it."""
    return "".join(_octal(char) for char in _spelled(tree, _grep_bytes))


def for_rg(tree: Tree) -> str:
    """As `rg` takes it."""
    return f"(?-u){_spelled(tree, _rg_bytes)}"


def _octal(char: str) -> str:
    return char if " " <= char <= "~" and char != "\\" else f"\\0{ord(char):03o}"


def _spelled(tree: Tree, spell: Spell) -> str:
    match tree:
        case Anchor(sign):
            return sign if sign == "^" else f"{spell(_CARRIAGE_RETURN)}?$"  # a line may end as DOS ends it
        case Chars():
            return _chars(tree, spell)
        case Sequence(parts):
            return "".join(_spelled(part, spell) for part in parts)
        case Choice(branches):
            return _choice([_spelled(branch, spell) for branch in branches])
        case Repeat(part, least, most):
            return f"({_spelled(part, spell)}){_times(least, most)}"


def _choice(branches: Iterable[str]) -> str:
    """One of them; not every grep knows an empty branch."""
    spelled = list(branches)
    inner = "|".join(filter(None, spelled))
    if not inner:
        return ""
    return f"({inner})" if all(spelled) else f"({inner})?"


def _times(least: int, most: int | None) -> str:
    match least, most:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"


def _chars(chars: Chars, spell: Spell) -> str:
    branches = [spell(chars.ascii)] if chars.ascii else []
    if chars.others is None:
        lead, rest = spell(frozenset(range(0xC2, 0xF5))), spell(frozenset(range(0x80, 0xC0)))
        branches.append(f"{lead}{rest}{{1,3}}")
    else:
        branches += ["".join(spell(frozenset({byte})) for byte in char.encode()) for char in chars.others]
    return branches[0] if len(branches) == 1 else _choice(branches)


def _rg_bytes(codes: frozenset[int]) -> str:
    if len(codes) == 1:
        (code,) = codes
        char = chr(code)
        return char if char.isascii() and (char.isalnum() or char in " _-:/=,") else f"\\x{code:02x}"
    return "[" + "".join(f"\\x{low:02x}-\\x{high:02x}" for low, high in _ranges(codes)) + "]"


def _grep_bytes(codes: frozenset[int]) -> str:
    """A NUL cannot be said in an argument: what holds one is said by what it does not hold."""
    if 0 in codes:
        return _bracket(ASCII - codes, "^", "\x80-\xff")
    if len(codes) > 1:
        return _bracket(codes & ASCII, "", "".join(f"{chr(low)}-{chr(high)}" for low, high in _ranges(codes - ASCII)))
    (code,) = codes
    return f"\\{chr(code)}" if code in _SPECIAL else chr(code)


def _bracket(codes: frozenset[int], negated: str, beyond: str) -> str:
    """`]` stands first, `^` never does, `-` stands last, and `[` stands where no `.`, `:` or `=` follows."""
    spans = [chr(low) if low == high else f"{chr(low)}-{chr(high)}" for low, high in _ranges(codes - _PLACED)]
    first, caret, dash, bracket = (sign if ord(sign) in codes else "" for sign in "]^-[")
    inner = first + "".join(spans) + beyond + bracket
    if caret and not inner and not negated:
        return f"[{dash}^]"
    return f"[{negated}{inner}{caret}{dash}]"


def _ranges(codes: Iterable[int]) -> list[tuple[int, int]]:
    """The codes as runs without gaps, first and last of each."""
    runs: list[tuple[int, int]] = []
    for code in sorted(codes):
        if runs and runs[-1][1] == code - 1:
            runs[-1] = (runs[-1][0], code)
        else:
            runs.append((code, code))
    return runs
