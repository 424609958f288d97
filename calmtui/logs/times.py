"""Times that lines begin with, recognised without a word of configuration.

Each format is a function from a line to `Stamp` or None. `Clock` belongs to one stream: it looks at its
first lines with every format, then stays with the one that fits. A time without a zone is taken as UTC.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from calmtui.logs.line import SECOND

Stamp = tuple[int, int]
"""Nanoseconds since the epoch, and how many characters of the line spell it (0: it stands further in)."""

SAMPLE = 3
"""Lines of one format, in a row or not, that decide for it."""
LOST_PATIENCE = 500
"""Lines without the chosen format after which the choice is made anew: the file was replaced, perhaps."""
FAR = 512
"""How far into a line a field that holds its time is looked for."""

_MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11,
    "Dec": 12,
}  # fmt: skip
_MONTH = "|".join(_MONTHS)
_DAY_SECONDS = 86_400

_ISO = re.compile(
    r"""[\[("']?(\d{4})[-/](\d\d)[-/](\d\d)[T _](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?"""
    r"""[ ]?(Z|UTC|[+-]\d\d:?\d\d)?[\])"']?(?![\d.])\s*"""
)
_SYSLOG = re.compile(rf"(?:<\d{{1,3}}>)?({_MONTH}) ([ \d]\d) (\d\d:\d\d:\d\d)(?:\.(\d{{1,9}}))?\s+")
_KLOG = re.compile(r"[IWEF](\d\d)(\d\d) (\d\d:\d\d:\d\d)\.(\d{6})\s")
_ACCESS = re.compile(rf"\[(\d\d)/({_MONTH})/(\d{{4}}):(\d\d:\d\d:\d\d) ([+-]\d{{4}})\]")
_CTIME = re.compile(
    rf"\[?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ({_MONTH}) ([ \d]\d) (\d\d:\d\d:\d\d)(?:\.(\d{{1,9}}))? (\d{{4}})\]?\s*"
)
_EPOCH = re.compile(r"\[?(\d{10}(?:\d{3}|\d{6}|\d{9})?)(?:\.(\d{1,9}))?\]?(?![\w.])\s*")
_FIELD = re.compile(
    r"""(?:^|[\s{,])"?@?(?:ts|time|timestamp|t)"?\s*[:=]\s*"""
    r"""(?:"([^"]{10,40})"|(\d{4}-[^\s,"]{10,30})|(\d{10}[\d.]{0,10})\b)"""
)


@lru_cache(maxsize=1024)  # lines come by the hundred in one second
def _seconds(year: int, month: int, day: int, clock: str) -> int | None:
    hour, minute, second = int(clock[:2]), int(clock[3:5]), int(clock[6:8])
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return timegm(moment.timetuple())


@lru_cache(maxsize=64)
def _offset(zone: str | None) -> int:
    """Seconds east of UTC."""
    if not zone or zone in ("Z", "UTC"):
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _stamp(seconds: int | None, fraction: str | None, end: int, zone: str | None = None) -> Stamp | None:
    if seconds is None:
        return None
    nanos = int(fraction.ljust(9, "0")) if fraction else 0
    return (seconds - _offset(zone)) * SECOND + nanos, end


def iso(text: str) -> Stamp | None:
    """`2026-11-21T02:29:14.103Z` and its cousins: a space, a comma, slashes, brackets, an offset."""
    found = _ISO.match(text)
    if found is None:
        return None
    year, month, day, clock, fraction, zone = found.groups()
    return _stamp(_seconds(int(year), int(month), int(day), clock), fraction, found.end(), zone)


def _this_year(month: int, day: int, clock: str) -> int | None:
    """Seconds of a date without a year: the latest that is not more than a day ahead of now."""
    now = time.time()
    year = time.gmtime(now).tm_year
    for candidate in (year + 1, year, year - 1):
        seconds = _seconds(candidate, month, day, clock)
        if seconds is not None and seconds <= now + _DAY_SECONDS:
            return seconds
    return None


def syslog(text: str) -> Stamp | None:
    """`Nov 21 02:29:14 `, with a priority before it or a fraction after it."""
    found = _SYSLOG.match(text)
    if found is None:
        return None
    month, day, clock, fraction = found.groups()
    return _stamp(_this_year(_MONTHS[month], int(day), clock), fraction, found.end())


def klog(text: str) -> Stamp | None:
    """`E1121 02:29:14.103000 `, as Kubernetes writes it. The letter is the level, so the text keeps it."""
    found = _KLOG.match(text)
    if found is None:
        return None
    month, day, clock, fraction = found.groups()
    return _stamp(_this_year(int(month), int(day), clock), fraction, 0)


def access(text: str) -> Stamp | None:
    """`[21/Nov/2026:02:29:14 +0000]` behind a client's address, as nginx and Apache write it."""
    found = _ACCESS.search(text, 0, FAR)
    if found is None:
        return None
    day, month, year, clock, zone = found.groups()
    return _stamp(_seconds(int(year), _MONTHS[month], int(day), clock), None, 0, zone)


def ctime(text: str) -> Stamp | None:
    """`[Sat Nov 21 02:29:14.103000 2026]`, as Apache writes its errors."""
    found = _CTIME.match(text)
    if found is None:
        return None
    month, day, clock, fraction, year = found.groups()
    return _stamp(_seconds(int(year), _MONTHS[month], int(day), clock), fraction, found.end())


def _epoch(digits: str, fraction: str | None) -> int:
    """Nanoseconds of an epoch time in seconds, milli-, micro- or nanoseconds, told by its length."""
    whole = int(digits.ljust(19, "0"))
    return whole + (int(fraction.ljust(9, "0")) if fraction and len(digits) == 10 else 0)


def epoch(text: str) -> Stamp | None:
    """`1795228154.103 `, or milli-, micro- or nanoseconds without a point."""
    found = _EPOCH.match(text)
    return (_epoch(found[1], found[2]), found.end()) if found else None


def field(text: str) -> Stamp | None:
    """`"ts":`, `"time":`, `"timestamp":` of a JSON line, `time=` or `ts=` of logfmt."""
    found = _FIELD.search(text, 0, FAR)
    if found is None:
        return None
    quoted, bare, number = found.groups()
    if number:
        digits, _, fraction = number.partition(".")
        return (_epoch(digits, fraction), 0) if len(digits) in (10, 13, 16, 19) else None
    inner = iso(quoted or bare)
    return (inner[0], 0) if inner else None


Format = Callable[[str], Stamp | None]
FORMATS: tuple[Format, ...] = (iso, klog, syslog, ctime, epoch, field, access)
"""In the order in which they are tried: what begins a line before what is found within it."""


class Clock:
    """Reads the times of one stream's lines."""

    def __init__(self) -> None:
        self.format: Format | None = None
        """The format decided for; None while it is still being found out."""
        self._seen: Counter[Format] = Counter()
        self._misses = 0

    def read(self, text: str) -> Stamp | None:
        """The line's time; None when it has none, as the second line of a stack trace."""
        if self.format is None:
            return self._sample(text)
        stamp = self.format(text)
        if stamp is not None:
            self._misses = 0
            return stamp
        self._misses += 1
        if self._misses > LOST_PATIENCE:
            self.format, self._misses = None, 0
            self._seen.clear()
        return None

    def _sample(self, text: str) -> Stamp | None:
        for candidate in FORMATS:
            stamp = candidate(text)
            if stamp is not None:
                self._seen[candidate] += 1
                if self._seen[candidate] >= SAMPLE:
                    self.format = candidate
                return stamp
        return None
