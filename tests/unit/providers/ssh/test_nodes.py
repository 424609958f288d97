"""Facts of a host to its nodes."""

from __future__ import annotations

import pytest

from calmtui.providers.ssh.facts import Facts
from calmtui.providers.ssh.nodes import host_nodes
from calmtui.transport.ssh import Settings

SETTINGS = Settings("edge-7", "10.2.4.7", 22, "ops")


@pytest.mark.parametrize(
    ("facts", "aliases"),
    [
        (Facts(machine_id="3d12", board_id="i-0ab12"), ("ec2:i-0ab12", "machine:3d12")),
        (Facts(machine_id="3d12", cloud_id="i-0ab12"), ("ec2:i-0ab12", "machine:3d12")),
        (Facts(board_id="i-0ab12", cloud_id="i-0ffff"), ("ec2:i-0ab12",)),
        (Facts(board_id="Not Specified", cloud_id="nocloud"), ()),
        (Facts(cloud_id="i-am-called-so"), ()),
    ],
)
def test_a_host_is_known_to_others_by_its_ec2_instance_and_its_machine_id(
    facts: Facts, aliases: tuple[str, ...]
) -> None:
    assert host_nodes("fleet", "edge-7", facts, SETTINGS, [], files=False)[0].aliases == aliases
