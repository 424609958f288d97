"""`python -m calmtui.demo.cloud FOLDER`: EC2 and CloudWatch of the demo, moto's server on a free port of loopback.

Writes an AWS credentials file into the folder; now and then something changes in the account.
Ends when the parent does.
"""

from __future__ import annotations

import logging
import random
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from moto.ec2.models import ec2_backends
from moto.server import ThreadedMotoServer

from calmtui.demo import functions
from calmtui.demo.lifeline import ready, when_parent_ends
from calmtui.demo.population import IRELAND, MACHINES, VIRGINIA, Machine

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

CREDENTIALS = "[demo]\naws_access_key_id = demo\naws_secret_access_key = demo\n"
AMI = "ami-076f415166b04f5fe"
"""Amazon Linux, one of those that moto knows."""
ACCOUNT = "123456789012"
"""Whose moto thinks every key is."""
NEWS_EVERY = (20.0, 45.0)
"""Seconds from one change in the account to the next."""


class Cloud:
    """The account: one client a region, made in this thread."""

    def __init__(self, url: str) -> None:
        session = boto3.Session(aws_access_key_id="demo", aws_secret_access_key="demo")  # noqa: S106 -- moto's
        self._ec2: dict[str, EC2Client] = {
            region: session.client("ec2", region_name=region, endpoint_url=url) for region in (IRELAND, VIRGINIA)
        }
        self._ids: dict[str, str] = {}

    def launch(self, machine: Machine) -> None:
        """Make an instance."""
        tags = {"Name": machine.name, "env": machine.env, "service": machine.service, "team": "shop"}
        ec2 = self._ec2[machine.region]
        answer = ec2.run_instances(
            ImageId=AMI,
            InstanceType=machine.type,  # type: ignore[arg-type]  # its type lists every name
            MinCount=1,
            MaxCount=1,
            PrivateIpAddress=machine.address,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            ],
        )
        self._ids[machine.name] = answer["Instances"][0]["InstanceId"]
        if machine.stopped:
            self.stop(machine)

    def backdate(self, machine: Machine, days: float) -> None:
        """Let an instance have been there for a while. EC2 knows no such request, so moto is told directly."""
        instance = ec2_backends[ACCOUNT][machine.region].get_instance(self._ids[machine.name])
        instance.launch_time -= timedelta(days=days)

    def stop(self, machine: Machine) -> None:
        """Stop an instance."""
        self._ec2[machine.region].stop_instances(InstanceIds=[self._ids[machine.name]])

    def start(self, machine: Machine) -> None:
        """Start an instance that is stopped."""
        self._ec2[machine.region].start_instances(InstanceIds=[self._ids[machine.name]])

    def terminate(self, machine: Machine) -> None:
        """Terminate an instance."""
        self._ec2[machine.region].terminate_instances(InstanceIds=[self._ids.pop(machine.name)])


def news(cloud: Cloud, wait: Callable[[float], bool]) -> None:
    """Change something now and then until `wait` says that it is over: CI runners sleep, web servers scale out."""
    chance = random.Random(7)
    runner = next(machine for machine in MACHINES if machine.name == "ci-runner-02")
    number = 4
    while True:
        number += 1
        extra = Machine(f"web-{number:02d}", "web", address=f"10.0.1.{100 + number}")
        changes = ((cloud.stop, runner), (cloud.launch, extra), (cloud.start, runner), (cloud.terminate, extra))
        for change, machine in changes:
            if wait(chance.uniform(*NEWS_EVERY)):
                return
            change(machine)


def main(folder: Path) -> None:
    """Bring the account up, say so, and let it live until the parent ends."""
    over = threading.Event()
    when_parent_ends(over.set)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    cloud = Cloud(url)
    for machine in MACHINES:
        cloud.launch(machine)
        cloud.backdate(machine, days=random.Random(machine.name).uniform(1, 200))
    credentials = folder / "aws" / "credentials"
    credentials.parent.mkdir()
    credentials.write_text(CREDENTIALS)
    logs = functions.written(url)
    threading.Thread(target=functions.go_on, args=(logs, over.wait), daemon=True).start()
    ready(CALMTUI_DEMO_EC2=url)
    news(cloud, over.wait)
    server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
