"""Layouts of web servers, proxies and load balancers: one line a request.

The same thing has the same name in all of them: remote, user, method, path, protocol, status, bytes (sent), referer,
agent, duration (as the system counts it), backend.
"""

from __future__ import annotations

from calmtui.logs.formats.layout import Layout

_QUOTED = r'(?:[^"\\]|\\.)*'
_REQUEST = rf'"(?P<message>(?:(?P<method>[A-Z]{{3,10}}) (?P<path>\S+)(?: (?P<protocol>[A-Z]+/[\d.]+))?)?{_QUOTED})"'
_AGENTS = rf'"(?P<referer>{_QUOTED})" "(?P<agent>{_QUOTED})"'
_HOST = r"(?P<remote>[\da-fA-F.:]+)"
_HAPROXY = (
    r"(?:(?:<\d+>)?\w{3} [ \d]\d [\d:]+ (?P<host>\S+) (?P<app>[\w.-]+)\[(?P<pid>\d+)\]: )?"
    rf"{_HOST}:(?P<port>\d+) \[(?P<time>[^\]]+)\] (?P<frontend>\S+) (?P<backend>[^/ ]+)/(?P<server>\S+) "
    r"(?P<timers>[-+\d/]+) "
)
_STATUS = r"(?P<status>\d{3}|-)"

ACCESS = (
    Layout(
        "access",  # NCSA common and combined, as Apache, nginx, Traefik and many others write it
        r"(?:(?P<vhost>[\w.:-]+) )?(?P<remote>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<time>\d\d/\w{3}/\d{4}:[^\]]+)\] "
        rf"{_REQUEST} {_STATUS} (?P<bytes>\d+|-)(?: {_AGENTS})?"
        r'(?: (?P<requests>\d+) "(?P<router>[^"]*)" "(?P<backend>[^"]*)" (?P<duration>\d+)ms)?'
        r'(?: "?(?P<seconds>\d+\.\d+|-)"?)?.*',
    ),
    Layout(
        "envoy",
        rf"\[(?P<time>\d{{4}}-[^\]]+)\] {_REQUEST} {_STATUS} (?P<flags>\S+) "
        r'(?:\S+ \S+ "[^"]*" )?(?P<received>\d+) (?P<bytes>\d+) (?P<duration>\d+) (?P<upstream_duration>\d+|-) '
        r'"(?P<forwarded>[^"]*)" "(?P<agent>[^"]*)" "(?P<request_id>[^"]*)" "(?P<host>[^"]*)" "(?P<backend>[^"]*)".*',
    ),
    Layout(
        "elb",  # application load balancers; classic ones have no type
        r"(?:(?P<type>https?|h2|grpcs|wss?) )?(?P<time>\d{4}-\S+Z) (?P<elb>\S+) "
        rf"{_HOST}:(?P<port>\d+) "
        r"(?P<backend>\S+) (?P<wait>-?[\d.]+) (?P<duration>-?[\d.]+) (?P<answer>-?[\d.]+) "
        rf'{_STATUS} (?P<backend_status>\d{{3}}|-) (?P<received>\d+) (?P<bytes>\d+) {_REQUEST} "(?P<agent>[^"]*)".*',
    ),
    Layout(
        "haproxy",
        rf"{_HAPROXY}(?P<status>-?\d+) (?P<bytes>\+?\d+) \S+ \S+ (?P<termination>\S{{4}}) "
        rf"(?P<connections>[\d/+]+) (?P<queues>\d+/\d+) (?:\{{[^}}]*\}} )*{_REQUEST}.*",
    ),
    Layout(
        "haproxy tcp",
        rf"{_HAPROXY}(?P<bytes>\+?\d+) (?P<termination>\S\S) (?P<connections>[\d/+]+) (?P<queues>\d+/\d+)",
    ),
    Layout(
        "squid",
        r"(?P<time>\d{10}\.\d+) +(?P<duration>\d+) (?P<remote>\S+) (?P<result>[A-Z_]+)/(?P<status>\d{3}) "
        r"(?P<bytes>\d+) (?P<message>(?P<method>[A-Z]+) (?P<path>\S+)) (?P<user>\S+) (?P<backend>\S+) (?P<type>\S+)",
    ),
    Layout(
        "iis",  # W3C, with the fields that IIS writes when nothing else is chosen
        r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:(?P<site>W3SVC\d+) )?(?P<server>[\da-fA-F.:]+) "
        r"(?P<message>(?P<method>[A-Z]+) (?P<path>\S+)) (?P<query>\S+) (?P<port>\d+) (?P<user>\S+) "
        rf"{_HOST} "
        r"(?P<agent>\S+)(?: (?P<referer>\S+))? (?P<status>\d{3}) (?P<substatus>\d+) (?P<win32>\d+) (?P<duration>\d+)",
    ),
    Layout(
        "cloudfront",
        r"(?P<time>\d{4}-\d\d-\d\d\t[\d:]+)\t(?P<edge>\S+)\t(?P<bytes>\d+)\t(?P<remote>\S+)\t(?P<message>(?P<method>[A-Z]+)"
        r"\t(?P<host>\S+)\t(?P<path>\S+))\t(?P<status>\d{3}|-)\t(?P<referer>\S+)\t(?P<agent>\S+).*",
    ),
    Layout(
        "vpc flow",
        r"(?P<version>\d) (?P<account>\d{12}) (?P<interface>eni-\w+) (?P<message>(?P<remote>\S+) (?P<destination>\S+) "
        r"(?P<port>\S+) (?P<destination_port>\S+) (?P<protocol>\S+)) (?P<packets>\S+) (?P<bytes>\S+) (?P<time>\d{10}) "
        r"(?P<end>\d{10}) (?P<action>\S+) (?P<status>\S+)",
    ),
)
