"""Layouts of servers, databases, daemons and logging libraries.

The same thing has the same name in all of them: host, app, pid, thread, logger, file, line, code, user, database.
"""

from __future__ import annotations

import re

from calmtui.logs.formats.layout import Layout

_TIME = (
    r"(?P<time>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?"
    r"(?: ?(?:Z|[A-Z]{3,4}|[+-]\d\d:?(?:\d\d)?)(?=[\s\]]))?)"
)
_CLOCK = r"(?P<time>(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)"
_LEVEL = r"(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|FATAL|CRITICAL)"
LEVEL_BEHIND = re.compile(rf"[\[(|\s-]*{_LEVEL}[\])|]?:?\s+", re.IGNORECASE)
"""A level that stands between the time and the message."""
_LOGGER = r"(?P<logger>[A-Za-z_](?:[\w.$/-]|::)*)"
_SAYS = r"(?P<message>.*)"

SERVERS = (
    Layout(
        "syslog",  # RFC 5424
        r"<(?P<priority>\d{1,3})>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<msgid>\S+) "
        rf"(?:-|(?P<data>(?:\[(?:[^\]\\]|\\.)*\])+))(?: {_SAYS})?",
    ),
    Layout(
        "syslog",  # RFC 3164, with ISO times too; journalctl's short formats
        r"(?:<(?P<priority>\d{1,3})>)?(?P<time>[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?"
        r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d))"
        r" (?!TRACE|DEBUG|INFO|WARN|ERROR|FATAL)(?P<host>[\w.:-]+) "
        rf"(?P<app>[\w./@:-]+?(?:\([\w-]+\))?)(?:\[(?P<pid>\d+)\])?: {_SAYS}",
    ),
    Layout(
        "klog",
        r"(?P<level>[IWEF])(?P<time>(?:\d{4}|\d{8}) [\d:.]+)\s+(?P<thread>\d+) (?P<file>[^:\s]+):(?P<line>\d+)\] "
        rf"{_SAYS}",
    ),
    Layout(
        "nginx error",
        rf"{_TIME} \[(?P<level>\w+)\] (?P<pid>\d+)#(?P<thread>\d+): (?:\*(?P<connection>\d+) )?(?P<message>.*?)"
        r"(?:, client: (?P<remote>[^,]+))?(?:, server: (?P<server>[^,]*))?"
        r'(?:, request: "(?:(?P<method>[A-Z]+) (?P<path>\S+)[^"]*|[^"]*)")?(?:, upstream: "(?P<backend>[^"]*)")?'
        r'(?:, host: "(?P<host>[^"]*)")?(?:, referrer: "(?P<referer>[^"]*)")?',
    ),
    Layout(
        "apache error",
        r"\[(?P<time>[A-Z][a-z]{2} [^\]]+)\] \[(?:(?P<module>\w*):)?(?P<level>\w+)\]"
        r"(?: \[pid (?P<pid>\d+)(?::tid (?P<thread>\d+))?\])?"
        rf"(?: \[client (?P<remote>[^\]]+?)(?::(?P<port>\d+))?\])? {_SAYS}",
    ),
    Layout(
        "postgresql",
        rf"{_TIME} \[(?P<pid>\d+)\](?: (?P<user>[^@\s]+)@(?P<database>\S+))? (?P<level>[A-Z]+\d?):  {_SAYS}",
    ),
    Layout(
        "mysql",
        rf"(?P<time>\S+) (?P<thread>\d+) \[(?P<level>\w+)\] (?:\[(?P<code>MY-\d+)\] \[(?P<subsystem>\w+)\] )?{_SAYS}",
    ),
    Layout(
        "redis",
        rf"(?P<pid>\d+):(?P<role>[MSCX]) (?P<time>\d\d \w{{3}} (?:\d{{4}} )?[\d:.]+) (?P<mark>[#*.-]) {_SAYS}",
    ),
    Layout("rabbitmq", rf"{_TIME} \[(?P<level>\w+)\] <(?P<process>[\d.]+)> {_SAYS}"),
    Layout(
        "java gc",
        r"\[(?P<time>[^\]]+)\](?:\[(?P<uptime>[\d.]+)s\])?\[(?P<level>\w+)\s*\]\[(?P<tags>[\w,]+)\s*\]"
        rf" (?:GC\((?P<gc>\d+)\) )?{_SAYS}",
    ),
    Layout(
        "elasticsearch",
        rf"\[{_TIME}\]\[(?P<level>\w+)\s*\]\[(?P<logger>[^\]]+?)\s*\](?: \[(?P<node>[^\]]+)\])?\s*{_SAYS}",
    ),
    Layout("kafka", rf"\[{_TIME}\] {_LEVEL} (?P<message>.*?)(?: \((?P<logger>[\w.$-]+)\))?"),
    Layout("cassandra", rf"{_LEVEL}\s+\[(?P<thread>[^\]]+)\] {_TIME} (?P<file>[\w.]+):(?P<line>\d+) - {_SAYS}"),
    Layout(
        "spring",
        rf"{_TIME}\s+{_LEVEL} (?P<pid>\d+) --- (?:\[(?P<app>[^\]]*)\] )??\[\s*(?P<thread>[^\]]*)\] "
        rf"(?P<logger>\S+)\s*: {_SAYS}",
    ),
    Layout("log4j", rf"\[?{_CLOCK}\]?\s+\[(?P<thread>[^\]]+)\]\s+{_LEVEL}\s+{_LOGGER}\s*(?:-|:|\[\S*\])\s+{_SAYS}"),
    Layout("log4j", rf"\[?{_CLOCK}\]?\s+{_LEVEL}\s+\[(?P<thread>[^\]]+)\]\s+{_LOGGER}\s*(?:-|:|\[\S*\])\s+{_SAYS}"),
    Layout("python", rf"{_TIME} - {_LOGGER} - {_LEVEL} - {_SAYS}"),
    Layout(
        "logger", rf"\[?{_TIME}\]?:?\s+\[?{_LEVEL}\]?:?\s+\[?{_LOGGER}\]?(?::(?P<line>\d+))?(?::|\s-|\s:)\s*{_SAYS}"
    ),
    Layout("python", rf"{_LEVEL}:{_LOGGER}:{_SAYS}"),
    Layout(
        "ruby",
        rf"[DIWEFA], \[(?P<time>\S+) #(?P<pid>\d+)\]\s+(?P<level>\w+) -- (?P<program>[^:]*): {_SAYS}",
    ),
    Layout(
        "php-fpm",
        r"\[(?P<time>\d\d-[A-Z][a-z]{2}-\d{4} [^\]]+)\] (?:(?P<level>[A-Z]+): )?"
        rf"(?:\[pool (?P<pool>[^\]]+)\] )?(?:pid (?P<pid>\d+), )?{_SAYS}",
    ),
    Layout(
        "mongodb",  # before 4.4
        rf"{_TIME} (?P<level>[FEWID])\d? (?P<component>[A-Z-]+)\s+\[(?P<thread>[^\]]+)\] {_SAYS}",
    ),
    Layout(
        "android",
        rf"(?P<time>\d\d-\d\d [\d:.]+)\s+(?P<pid>\d+)\s+(?P<thread>\d+) (?P<level>[VDIWEF]) (?P<app>.*?)\s*: {_SAYS}",
    ),
    Layout(
        "kernel", rf"(?:<\d+>)?\[\s*(?P<uptime>\d+\.\d{{3,6}})\] (?:(?P<subsystem>[\w.:/-]+(?: [\w.:-]+)?): )?{_SAYS}"
    ),
    Layout("dotnet", rf"(?P<level>trce|dbug|info|warn|fail|crit): {_LOGGER}\[(?P<event>\d+)\]{_SAYS}"),
)
