"""Which file system holds a path, as proc(5) describes mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from calmtui.store.filesystem import is_network, kind

MOUNTS = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:45 / /home rw,nosuid shared:2 - nfs4 filer:/home rw,vers=4.2
31 30 0:46 / /home/ana/local\040disk rw - xfs /dev/sdb1 rw
32 22 0:47 / /mnt rw master:3 propagate_from:2 - fuse.sshfs host:/ rw
33 32 0:48 / /mnt rw - tmpfs none rw
not a mount at all
"""


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/var/x", "ext4"),
        ("/home/ana/.local/state", "nfs4"),
        ("/homes", "ext4"),
        ("/home/ana/local disk/x", "xfs"),
        ("/mnt/x", "tmpfs"),
    ],
)
def test_the_longest_and_latest_mount_holds_a_path(path: str, wanted: str) -> None:
    assert kind(Path(path), MOUNTS) == wanted


def test_this_machines_own_mounts_can_be_read(tmp_path: Path) -> None:
    assert is_network(tmp_path) is False
