"""The parser of a host's facts: what real hosts print, and whatever else might come back."""

from __future__ import annotations

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.ssh.facts import parse, script

LINUX = """
\x1euname
Linux web-1 6.1.0-18-amd64 x86_64
\x1eshell
/bin/bash
root
\x1eos
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
ID=debian
\x1eonline
0-3,8,10-12
\x1eload
0.52 0.58 0.59 1/467 12345
\x1ememory
MemTotal: 16384000
MemFree: 1000000
MemAvailable: 8192000
\x1eboot
btime 1763690000
\x1edisk
Filesystem     1024-blocks     Used Available Capacity Mounted on
/dev/mapper/a b   41152736 10288184  28741352      27% /
\x1eaddresses
10.2.4.7 fd00::7 10.2.4.7
\x1emachine
3d1219c7c4c5404aaa1f6d2a48adfda4
\x1ecloud
i-0ab12
\x1eboard
Not Specified
\x1esystemd
degraded
\x1eunits
Id=nginx.service
Description=A high performance web server
LoadState=loaded
ActiveState=failed
SubState=failed
Result=exit-code
NRestarts=5
MainPID=0
ActiveEnterTimestampMonotonic=120000000
UnitFileState=enabled

Id=gone.service
LoadState=not-found
ActiveState=inactive
\x1eend
"""

FREEBSD = """
\x1euname
FreeBSD db-1 14.1-RELEASE amd64
\x1eshell
/bin/csh
ops
\x1eos
\x1eonline
\x1ecpus
4
\x1eload
 3:14PM  up 2 days,  5:01, 1 user, load averages: 0.20, 0.31, 0.28
\x1ememory
\x1eboot
{ sec = 1763690000, usec = 419163 } Thu Nov 20 20:33:20 2025
\x1edisk
Filesystem 1024-blocks    Used   Avail Capacity  Mounted on
/dev/ada0p2   20307196 3254312 15428312    17%    /
\x1eaddresses
10.0.0.5
\x1esystemd
\x1eend
"""


def test_a_linux_host_with_systemd_is_read_whole() -> None:
    facts = parse(LINUX.encode())
    assert facts is not None
    assert (facts.hostname, facts.os_id, facts.shell, facts.user) == ("web-1", "debian", "/bin/bash", "root")
    assert (facts.kernel, facts.arch, facts.cpus) == ("6.1.0-18-amd64", "x86_64", 8)
    assert facts.load == (0.52, 0.58, 0.59)
    assert (facts.memory, facts.memory_available) == (16384000 * 1024, 8192000 * 1024)
    assert (facts.disk, facts.disk_used) == (41152736 * 1024, 10288184 * 1024)
    assert facts.addresses == ("10.2.4.7", "fd00::7")
    assert (facts.booted, facts.cloud_id, facts.systemd) == (1763690000.0, "i-0ab12", "degraded")
    (unit,) = facts.units
    assert (unit.name, unit.active, unit.result, unit.restarts) == ("nginx.service", "failed", "exit-code", 5)
    assert unit.since == 1763690120.0
    assert unit.main_pid is None


def test_a_host_without_proc_and_systemd_says_less() -> None:
    facts = parse(FREEBSD.encode())
    assert facts is not None
    assert (facts.hostname, facts.cpus) == ("db-1", 4)
    assert facts.load == (0.20, 0.31, 0.28)
    assert facts.booted == 1763690000.0
    assert (facts.memory, facts.systemd, facts.units) == (None, "", ())


def test_an_output_that_stops_halfway_is_no_facts() -> None:
    assert parse(LINUX.encode()[:300]) is None


def test_the_script_runs_in_a_plain_posix_shell_and_says_what_this_machine_is() -> None:
    done = subprocess.run(["sh", "-s", "--", "*.service"], input=script(), capture_output=True, check=True, timeout=20)
    facts = parse(done.stdout)
    assert done.stderr == b""
    assert facts is not None
    uname = subprocess.run(["uname", "-n", "-r"], text=True, capture_output=True, check=True).stdout.split()
    assert [facts.hostname, facts.kernel] == uname
    assert facts.cpus
    assert facts.memory
    assert facts.disk
    assert facts.booted


@given(st.binary(max_size=500))
def test_garbage_never_raises(garbage: bytes) -> None:
    parse(garbage)
    parse(b"\x1euname\n" + garbage + b"\x1eend\n")


@given(
    st.dictionaries(
        st.sampled_from(["uname", "os", "load", "memory", "boot", "disk", "cpus", "systemd", "units", "addresses"]),
        st.text(max_size=80),
    )
)
def test_garbage_in_any_section_never_raises(sections: dict[str, str]) -> None:
    text = "".join(f"\x1e{name}\n{body}\n" for name, body in sections.items()) + "\x1eend\n"
    assert parse(text.encode(errors="surrogatepass")) is not None
