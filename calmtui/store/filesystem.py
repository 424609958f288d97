"""Whether a path lies on a file system that several machines share."""

from __future__ import annotations

import os
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
SHARED = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "fuse.glusterfs")
"""File systems on which SQLite's shared memory does not reach the other machines (sqlite.org/wal.html)."""


def is_network(path: Path) -> bool:
    """Whether the file system of a path is shared over the network; False where that cannot be told."""
    try:
        mounts = MOUNTS.read_text(errors="replace")
    except OSError:
        return False
    return kind(path.resolve(), mounts) in SHARED


def kind(path: Path, mounts: str) -> str:
    """The type of the file system that holds a path, by the text of a `mountinfo` (proc(5)); empty when none does."""
    found, longest = "", -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = fields[4].encode().decode("unicode_escape")  # a space is \040
        inside = path.is_relative_to(os.fsdecode(point.encode("latin-1", "replace")))
        if inside and len(point) >= longest:  # of two mounts at one place the later hides the earlier
            found, longest = after.split()[0], len(point)
    return found
