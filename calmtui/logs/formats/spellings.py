"""How systems spell times, and where in a line they put them.

A `Spelling` is a regular expression with one named group for each part of a time, written with strftime's letters.
`FORMS` are spellings in a place: at the beginning of a line, in a field that holds the time, or further in.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from calmtui.logs.line import SECOND

Stamp = tuple[int, int]
"""Nanoseconds since the epoch, and how many characters of the line spell it (0: it stands further in)."""

FAR = 4096
"""Characters of a line in which a field that holds its time is looked for: JSON may have it at the end."""
NEAR = 160
"""Characters of a line in which a time that stands by itself is looked for."""
DAY = 86_400
"""Seconds."""
QUARTER = 900
"""Seconds; offsets of zones are multiples of it."""
CLOCKS_DIFFER = 3600
"""Seconds that a time of day may be ahead of now and still be today's."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
"""Hours east of UTC. Of names with several meanings the one that PostgreSQL takes by default."""

_PARTS = {
    "%Y": r"(?P<Y>(?:19|2[01])\d\d|2200)",
    "%y": r"(?P<y>\d\d)",
    "%m": r"(?P<m>0[1-9]|1[0-2])",
    "%b": rf"(?P<b>{'|'.join(MONTHS)})",
    "%d": r"(?P<d>0[1-9]|[12]\d|3[01])",
    "%e": r"(?P<d>[ 0-3]?\d)",  # one digit, alone or after a blank
    "%H": r"(?P<H>[01]\d|2[0-3])",
    "%k": r"(?P<H>[ 0-2]?\d)",
    "%M": r"(?P<M>[0-5]\d)",
    "%S": r"(?P<S>[0-5]\d|60)",
    "%f": r"(?:[.,:](?P<f>\d{1,9})\d*)?",
    "%p": r" ?(?P<p>[AaPp])[Mm]",
    "%z": rf"(?: ?(?P<z>[+-]\d\d(?::?\d\d)?(?![\d:])|(?:{'|'.join(ZONES)})\b))?",
    "%a": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    "%s": r"(?P<s>[12]\d{9}(?:\d{3}|\d{6}|\d{9})?)",
}
_ISO = r"%Y(?P<dash>[-/.]?)%m(?P=dash)%d[T \t_:-]{1,2}%H(?P<colon>:?)%M(?P=colon)%S%f%z"
_DAY_MONTH = r"(?:%a,? )?%e[ /-]%b[ /-]%Y[ :]{1,2}%H:%M:%S%f%z"
_CTIME = r"%a %b +%e %H:%M:%S%f(?: %Z)? %Y".replace("%Z", "[A-Z]{3,4}")
_MONTH_DAY_YEAR = r"%b +%e,? %Y,? %k:%M:%S%f(?:%p)?%z"
_SYSLOG = r"%b +%e %H:%M:%S%f%z"
_SLASHES = r"%m/%d/%Y,? %k:%M:%S%f(?:%p)?%z"
_DAY_FIRST = r"%d[./-]%m[./-]%Y,? %k:%M:%S%f(?:%p)?%z"
_SHORT_YEAR = r"%y/%m/%d %H:%M:%S%f"
_ANDROID = r"%m-%d %H:%M:%S%f"
_OLD_MYSQL = r"%y%m%d +%k:%M:%S"
_EPOCH = r"%s(?:[.,](?P<f>\d{1,9}))?"
_OF_DAY = r"%H:%M:%S%f"

_NAMES = r"@?timestamp|@t|ts|t|time|date_?time|date|asctime|event_?time|log_?time|_time|@time"
_FIELD = rf"""(?:^|[\s{{,(|;])["']?(?i:{_NAMES})["']?\s*[:=]\s*(?:\{{"\$date":\s*)?["'\[]?"""
_LIKE_A_TIME = (
    r"""^\s*(?=\{).*?[\s{,]"(?i:[\w.@$-]*(?:time(?:stamp)?(?:_?[mun]s|_?millis)?|date|_ts|_at|epochSecond))"\s*:\s*"?"""
)
_BEGIN = r"""^(?:<\d{1,3}>(?:\d )?)?[\[("'<*.]?"""
_END = r"""[\])"'>]?:?[ \t]{0,4}"""
_KLOG = r"^[IWEFDNCT](?=(?:\d{4}|\d{8}) )"


class Form(NamedTuple):
    """A spelling in a place."""

    expression: re.Pattern[str]
    far: int
    """Characters of the line that are looked through."""
    leads: bool
    """It begins the line, and need not be seen beside a column of times."""


def _form(before: str, spelling: str, after: str, far: int, *, leads: bool = False) -> Form:
    for letter, part in _PARTS.items():
        spelling = spelling.replace(letter, part)
    return Form(re.compile(f"{before}(?P<time>{spelling})(?!\\d){after}"), far, leads)


def _leading(spelling: str, after: str = _END) -> Form:
    return _form(_BEGIN, spelling, after, NEAR, leads=True)


FORMS = (
    *map(
        _leading,
        (_ISO, _CTIME, _MONTH_DAY_YEAR, _SYSLOG, _DAY_MONTH, _SLASHES, _DAY_FIRST, _SHORT_YEAR, _ANDROID, _OLD_MYSQL),
    ),
    _form(_KLOG, "(?:%Y)?%m%d %H:%M:%S%f", r"\s", NEAR),
    _leading(_EPOCH, r"(?![\w.])" + _END),
    _leading(_OF_DAY, r"[\])]?(?:[ \t]{1,4}|$)"),
    *(_form(_FIELD, spelling, "", FAR) for spelling in (_ISO, _EPOCH, _DAY_MONTH, _SYSLOG)),
    *(_form(_LIKE_A_TIME, spelling, "", FAR) for spelling in (_ISO, _EPOCH)),
    *(_form(r"(?<![\w/.-])", spelling, "", NEAR) for spelling in (_ISO, _DAY_MONTH, _CTIME, _SLASHES, _DAY_FIRST)),
    _form(r"\baudit\(", _EPOCH, r"(?=:)", NEAR),
    _form(r"\s", _EPOCH, r"(?=\s)", NEAR),  # VPC flow logs: between their other numbers
)
"""In the order in which they are tried: what begins a line before what is found within it."""


def read(form: Form, text: str, zone: tzinfo = UTC) -> Stamp | None:
    """The time that a line spells in this form; a time that names no zone is taken in `zone`."""
    found = form.expression.search(text, 0, form.far)
    if found is None:
        return None
    parts = found.groupdict()
    at = _of_epoch(parts["s"], parts["f"]) if parts.get("s") else _of_parts(parts, zone)
    return None if at is None else (at, found.end() if form.leads else 0)


def message_begin(text: str) -> int:
    """Where the message of a line begins that begins with a time, in whatever spelling; 0 when it does not."""
    founds = (form.expression.search(text, 0, form.far) for form in FORMS if form.leads)
    found = next(filter(None, founds), None)
    return found.end() if found else 0


def _of_epoch(digits: str, fraction: str | None) -> int:
    """Seconds, milli-, micro- or nanoseconds, told by their length; a fraction belongs to seconds and milliseconds."""
    return int((digits + (fraction or "")).ljust(19, "0")[:19])


def _of_parts(parts: dict[str, str | None], zone: tzinfo) -> int | None:
    hour = int(parts["H"] or 0)
    if half := parts.get("p"):
        hour = of_half_day(hour, half)
    begin = day_begin(year_of(parts), month_of(parts), int(parts.get("d") or 0))
    if begin is None or hour > 23:
        return None
    second = min(int(parts["S"] or 0), 59)  # a leap second
    local = begin + hour * 3600 + int(parts["M"] or 0) * 60 + second
    named = parts.get("z")
    seconds = local - (named_offset(named) if named else offset_at(zone, local // QUARTER))
    if not parts.get("d") and seconds > latest():
        seconds -= DAY
    return seconds * SECOND + int((parts.get("f") or "").ljust(9, "0"))


def latest() -> float:
    """The latest that a time of day can be, seconds since the epoch: what is later was yesterday."""
    return time.time() + CLOCKS_DIFFER


def of_half_day(hour: int, half: str) -> int:
    """The hour of the day of an hour before or after noon, `a` or `p`."""
    return hour % 12 + (12 if half in "pP" else 0)


def year_of(parts: dict[str, str | None]) -> int:
    """The year that a time names, or 0."""
    return int(parts.get("Y") or 0) or (2000 + int(parts["y"] or 0) if parts.get("y") else 0)


def month_of(parts: dict[str, str | None]) -> int:
    """The month that a time names, as a number or a word, or 0."""
    name = parts.get("b")
    return MONTHS.index(name) + 1 if name else int(parts.get("m") or 0)


def day_begin(year: int, month: int, day: int) -> int | None:
    """Seconds since the epoch at the beginning of a day, UTC; None when there is no such day.

    Without a year it is the latest such day that is not more than a day ahead; without a month, today.
    """
    if year:
        return _begin(year, month, day)
    now = time.time()
    if not month:
        return int(now // DAY * DAY)
    this = time.gmtime(now).tm_year
    begins = (_begin(each, month, day) for each in range(this + 1, this - 8, -1))  # leap days are 4 or 8 years apart
    return next((begin for begin in begins if begin is not None and begin <= now + DAY), None)


@lru_cache(maxsize=1024)  # lines come by the hundred on one day
def _begin(year: int, month: int, day: int) -> int | None:
    try:
        return timegm(datetime(year, month, day, tzinfo=UTC).timetuple())
    except ValueError:
        return None


@lru_cache(maxsize=64)
def named_offset(zone: str) -> int:
    """Seconds east of UTC of `Z`, `+01:00`, `-0500`, `+02` or a name."""
    if zone in ZONES:
        return ZONES[zone] * 3600
    seconds = int(zone[1:3]) * 3600 + (int(zone[-2:]) * 60 if len(zone) > 3 else 0)
    return -seconds if zone[0] == "-" else seconds


@lru_cache(maxsize=4096)
def offset_at(zone: tzinfo, quarter: int) -> int:
    """Seconds east of UTC in a zone, at a local time in `QUARTER`s since 1970."""
    offset = (datetime(1970, 1, 1) + timedelta(minutes=15 * quarter)).replace(tzinfo=zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
