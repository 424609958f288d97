"""Who lives in the demo estate: a small shop, in production and in staging."""

from __future__ import annotations

from dataclasses import dataclass, replace

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


@dataclass(frozen=True)
class Machine:
    """A machine of the shop: an EC2 instance, and mostly an SSH host too."""

    name: str
    service: str
    env: str = "production"
    region: str = IRELAND
    type: str = "t3.medium"
    ssh: bool = False
    address: str = ""
    """Inside its region: what EC2 and the host itself say, so that the two are seen to be one."""
    down: bool = False
    """Its SSH server does not answer."""
    stopped: bool = False
    """Its instance is stopped."""
    release: str = "1.9.2"
    """Of the shop that is deployed on it: one machine was forgotten the last time."""


_MACHINES = (
    *(
        Machine(f"web-{number:02d}", "web", ssh=True, release="1.9.1" if number == 3 else "1.9.2")
        for number in range(1, 5)
    ),
    *(Machine(f"api-{number:02d}", "api", type="c6i.large", ssh=True, down=number == 3) for number in range(1, 4)),
    *(Machine(f"db-{number:02d}", "db", type="r6i.xlarge", ssh=True) for number in range(1, 3)),
    *(
        Machine(f"staging-{service}-01", service, "staging", VIRGINIA, "t3.small", ssh=True)
        for service in ("web", "api", "db")
    ),
    Machine("cache-01", "cache", type="r6i.large"),
    Machine("cache-02", "cache", type="r6i.large"),
    Machine("queue-01", "queue", type="m6i.large"),
    Machine("report-01", "report", type="m6i.large", stopped=True),
    Machine("bastion", "bastion", type="t3.micro"),
    Machine("staging-cache-01", "cache", "staging", VIRGINIA, "t3.small"),
    Machine("staging-queue-01", "queue", "staging", VIRGINIA, "t3.small", stopped=True),
    Machine("ci-runner-01", "ci", "staging", VIRGINIA, "c6i.2xlarge"),
    Machine("ci-runner-02", "ci", "staging", VIRGINIA, "c6i.2xlarge"),
)

MACHINES = tuple(
    replace(machine, address=f"10.0.{1 if machine.region == IRELAND else 2}.{number}")
    for number, machine in enumerate(_MACHINES, 11)
)
HOSTS = tuple(machine for machine in MACHINES if machine.ssh)
