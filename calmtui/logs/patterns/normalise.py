"""What a line says with the parts that vary taken out: numbers, addresses, ids, paths, quoted words, values."""

from __future__ import annotations

import re
from functools import lru_cache

from calmtui.logs.formats.fields import json_message

MAX_TEXT = 1000
"""Characters of a line that tell its template."""

_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_STATUS = r"""HTTP/[\d.]+"?\D{0,3} (\d{3})\b"""
_REQUEST = re.compile(rf"\b([A-Z]{{3,10}}) (/[^\s?]*|\*)(?:\?\S*)? (?:{_STATUS}|HTTP/)")
_ANSWER = re.compile(_STATUS.encode())
_REQUEST_PATTERN = re.compile(r"[A-Z]{3,10} [/*]\S*(?: \d{3})?$")
_LOGFMT_MESSAGE = re.compile(r'(?:^|\s)(?:msg|message|event)=(?:"((?:[^"\\]|\\.)+)"|(\S+))')
_SYSLOG_HOST = re.compile(r"[A-Za-z][\w.-]* (?=[A-Za-z][\w./@()-]{0,48}(?:\[\d+\])?: )")

_QUOTED = re.compile(rb"\"(?:[^\"\\]|\\.)*\"|(?<!\w)'[^']*'(?!\w)|(?<!\w)`[^`']*['`]")
# No rule may ask which digit stands somewhere: `fingerprint` relies on it.
_RULES = (
    ("time", r"\d{4}[-/]\d\d[-/]\d\dT\d\d:\d\d:\d\d[\d.,]*(?:Z|[+-]\d\d:?\d\d)?|\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"),
    ("date", r"\b\d{4}[-/]\d\d[-/]\d\d\b"),
    ("uuid", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    ("url", r"\b[a-z][a-z\d+.-]{1,10}://[^\"'<>)\]]+"),
    ("ip", r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?:/\d+)?(?![\w.]*\d)"),
    ("ip", r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,7}(?::|[0-9a-fA-F]{1,4}|:[0-9a-fA-F]{1,4})+(?![\w:])"),
    ("hex", r"\b\dx[0-9a-fA-F]+\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,}\b|\b(?=[A-F]*\d)(?=\d*[A-F])[0-9A-F]{6,}\b"),
    ("id", r"(?<![\w+/=])(?=[A-Za-z+/]*\d)[\w+/-]{20,}={0,2}(?![\w+/=])"),
    ("path", r"(?<![\w/<>.])(?:~|\.{1,2})?(?:/[\w.@%+~:-]+){2,}/?|\b[A-Z]:\\[\w.\\-]+"),
    ("num", r"(?<![A-Za-z_\d])\d+(?:[.,]\d+)*(?=(?:[mnuµ]?s|m|h|d|[kKMGT]i?[bB]?|B|%|x)?(?![A-Za-z_\d]))"),
    ("val", r"(?<=[\w\])]=)[^,;&\"'<>{}()\[\]]+"),
)
_VARYING = re.compile("|".join(f"(?P<{name}{number}>{rule})" for number, (name, rule) in enumerate(_RULES)))
_PLACEHOLDERS = {f"{name}{number}": f"<{name}>" for number, (name, _) in enumerate(_RULES)}
_DIGITS = re.compile(r"\d+")
_REPEATED = re.compile(r"(<\w+>)(?:[,:;|/]\1)+")


def fingerprint(text: str) -> bytes:
    """The same only for texts of which `normalised` says the same; much cheaper, and rarely new."""
    raw = text[:MAX_TEXT].encode("utf-8", "replace")
    digits_alike = raw.translate(_ANY_DIGIT)
    if b" HTTP/" in raw and (found := _ANSWER.search(raw)):
        return digits_alike + found[1]
    return digits_alike


def normalised(text: str) -> str:
    """What a line says, its time left out, with placeholders for what varies: `login of <str> from <ip>`."""
    text = text[:MAX_TEXT]
    if " HTTP/" in text and (found := _REQUEST.search(text)):
        return _request(found)
    raw = said(text).encode("utf-8", "replace").translate(_ANY_DIGIT)
    if b'"' in raw or b"'" in raw or b"`" in raw:
        raw = _QUOTED.sub(b"<str>", raw)
    return " ".join(map(_masked, raw.split()))


def _request(found: re.Match[str]) -> str:
    """A request and its answer: of the path only ids vary, and the status is kept: `GET /users/<num> 200`."""
    segments = found[2].encode("utf-8", "replace").translate(_ANY_DIGIT).split(b"/")
    return " ".join(filter(None, (found[1], "/".join(map(_masked, segments)), found[3])))


def is_request(pattern: str) -> bool:
    """Whether it is the pattern of a request."""
    return _REQUEST_PATTERN.match(pattern) is not None


def said(text: str) -> str:
    """The part of a line that tells its template: a message field, syslog without its host."""
    if text[:1] == "{":
        return text[slice(*json_message(text))]
    if ("msg=" in text or "message=" in text or "event=" in text) and (found := _LOGFMT_MESSAGE.search(text)):
        return str(found[1] or found[2])
    found = _SYSLOG_HOST.match(text)
    return text[found.end() :] if found else text


@lru_cache(maxsize=30_000)  # most words of a log come again and again
def _masked(word: bytes) -> str:
    """A word, all its digits zeros, with placeholders for what varies in it; `ssh2` becomes `ssh#`."""
    text = word.decode("utf-8", "replace")
    return _DIGITS.sub("#", _REPEATED.sub(r"\1…", _VARYING.sub(_placeholder, text)))


def _placeholder(found: re.Match[str]) -> str:
    return _PLACEHOLDERS[str(found.lastgroup)]
