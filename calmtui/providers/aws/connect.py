"""A session for one profile and an EC2 client for each region, made once, in one thread.

Sessions are not thread-safe, clients are; making 17 clients of one session takes 0.3 s and 17 MB
(a session for each: 4.1 s and 408 MB). Requests are made in daemon threads, a few at a time.
"""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from calmtui.providers.aws.threads import in_thread
from calmtui.providers.base import Ask, AuthFailed, Misconfigured, Opening, SourceError, Unreachable

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_logs import CloudWatchLogsClient

    from calmtui.providers.aws.options import AwsOptions

T = TypeVar("T")
Client = TypeVar("Client")

AT_ONCE = 8
"""Requests under way for one source: enough for every region of an account in two or three rounds."""
CONNECT_SECONDS = 5
READ_SECONDS = 20
"""After which an attempt is given up; DescribeInstances of 1,000 instances takes 2 to 5 s."""
ATTEMPTS = 3
"""Of one request. Retries are adaptive: botocore slows itself down when AWS throttles."""
ASK_FOR_REGIONS = "us-east-1"
"""The region asked for the others when the profile has none."""


class Account:
    """The clients of one connection, and how to use them without blocking the event loop."""

    def __init__(
        self,
        name: str,
        profile: str | None,
        clients: Mapping[str, EC2Client],
        logs: Mapping[str, CloudWatchLogsClient],
        hints: Mapping[str, str],
        balancers: Callable[[str], Any],
    ) -> None:
        """`clients` and `logs` by region; no `logs` where no log groups are wanted. `balancers` makes the client of
        load balancing of a region, which few need: not in two threads at once.
        """
        self.clients = clients
        self.logs = logs
        self._name = name
        self._profile = profile
        self._hints = hints
        self._make_balancers = balancers
        self._balancers: dict[str, Any] = {}
        self._making = asyncio.Lock()
        self._slots = asyncio.Semaphore(AT_ONCE)

    @property
    def regions(self) -> list[str]:
        """In the order of the estate, or of AWS."""
        return list(self.clients)

    async def call(self, region: str, request: Callable[[EC2Client], T], *, acting: bool = False) -> T:
        """Make requests with the EC2 client of a region, in a thread. Raises a SourceError."""
        return await self._call(self.clients, region, request, acting=acting)

    async def call_logs(self, region: str, request: Callable[[CloudWatchLogsClient], T]) -> T:
        """The same with its client of CloudWatch Logs."""
        return await self._call(self.logs, region, request, acting=False)

    async def call_balancers(self, region: str, request: Callable[[Any], T], *, acting: bool = False) -> T:
        """The same with its client of Elastic Load Balancing (v2)."""
        async with self._making:
            if region in self.clients and region not in self._balancers:
                self._balancers[region] = await in_thread(
                    lambda: self._make_balancers(region), f"aws {self._name} {region} load balancing"
                )
        return await self._call(self._balancers, region, request, acting=acting)

    async def _call(
        self, clients: Mapping[str, Client], region: str, request: Callable[[Client], T], *, acting: bool
    ) -> T:
        client = clients.get(region)
        where = f"{self._name} {region}"
        if client is None:
            raise Misconfigured("the source does not look after this region", where=where)
        async with self._slots:
            try:
                return await in_thread(
                    lambda: _translated(lambda: request(client), where, self._profile, acting), f"aws {where}"
                )
            except Unreachable as error:
                if region in self._hints:
                    raise Misconfigured(error.what, where=where, next_step=self._hints[region]) from error
                raise

    def close(self) -> None:
        """Close the connections that are kept warm."""
        for client in (*self.clients.values(), *self.logs.values(), *self._balancers.values()):
            client.close()


async def connect(opening: Opening) -> Account:
    """Log in and make the clients. Raises Misconfigured, AuthFailed or Unreachable."""
    options: AwsOptions = opening.options
    prompt = _prompter(opening.ask, opening.name)

    def make() -> Account:
        return _translated(lambda: _account(opening, prompt), opening.name, options.profile, False)

    return await in_thread(make, f"aws {opening.name} connects")


def _translated(function: Callable[[], T], where: str, profile: str | None, acting: bool) -> T:
    """Call it; botocore's exceptions become ours. botocore is imported here, not on the event loop."""
    from botocore.exceptions import BotoCoreError, ClientError

    from calmtui.providers.aws.errors import translate

    try:
        return function()
    except (BotoCoreError, ClientError) as error:
        raise translate(error, where, profile=profile, acting=acting) from error


def _account(opening: Opening, prompt: Callable[[str], str]) -> Account:
    """Log in and make the clients of each region. Blocks; raises botocore's exceptions."""
    from botocore.config import Config

    options: AwsOptions = opening.options
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=AT_ONCE,
        retries={"mode": "adaptive", "total_max_attempts": ATTEMPTS},
        user_agent_extra="calmtui",
    )
    session = _session(opening, config, prompt)
    credentials = session.get_credentials()
    if credentials is None:
        from botocore.exceptions import NoCredentialsError

        raise NoCredentialsError
    credentials.get_frozen_credentials()  # roles, SSO and MFA: once and here, not in every region at the same time

    def client(region: str) -> EC2Client:
        return session.client("ec2", region_name=region, endpoint_url=options.endpoint_url)

    usual = os.environ.get("AWS_REGION") or session.region_name  # `aws` reads both, botocore only the second
    regions = options.regions
    if regions == "all":
        answer = client(usual or ASK_FOR_REGIONS).describe_regions()
        regions = sorted(region["RegionName"] for region in answer["Regions"])
    elif regions is None:
        if not usual:
            from botocore.exceptions import NoRegionError

            raise NoRegionError
        regions = [usual]
    clients = {region: client(region) for region in regions}
    logs = {
        region: session.client("logs", region_name=region, endpoint_url=options.logs_endpoint_url)
        for region in (regions if options.log_groups else ())
    }

    def balancers(region: str) -> Any:
        return session.client("elbv2", region_name=region, endpoint_url=options.balancers_endpoint_url)

    hints = {} if options.endpoint_url else _unknown(session, regions)
    return Account(opening.name, options.profile, clients, logs, hints, balancers)


def _session(opening: Opening, config: Config, prompt: Callable[[str], str]) -> boto3.Session:
    import boto3
    import botocore.session

    options: AwsOptions = opening.options
    core = botocore.session.Session(profile=options.profile)
    for variable, path in (("config_file", options.config_file), ("credentials_file", options.credentials_file)):
        if path is not None:
            core.set_config_variable(variable, str(opening.resolve(path)))
    core.set_default_client_config(config)
    roles = core.get_component("credential_provider").get_provider("assume-role")
    # botocore would ask for an MFA code on the terminal, which belongs to the screens; it offers no other way in.
    roles._prompter = prompt
    return boto3.Session(botocore_session=core)


def _prompter(ask: Ask, name: str) -> Callable[[str], str]:
    """The question for an MFA code, put from botocore's thread to the operator on the event loop."""
    loop = asyncio.get_running_loop()

    def prompt(text: str) -> str:
        async def put() -> str | None:
            return await ask(f"{name}: {text}")

        code = asyncio.run_coroutine_threadsafe(put(), loop).result()
        if code is None:
            raise AuthFailed("an MFA code is needed", where=name, next_step="retry the source and enter it")
        return code

    return prompt


def _unknown(session: boto3.Session, regions: list[str]) -> dict[str, str]:
    """What to say when a region does not answer that this botocore has never heard of: new ones do exist."""
    known = [
        name
        for part in session.get_available_partitions()
        for name in session.get_available_regions("ec2", partition_name=part)
    ]
    hints = {}
    for region in set(regions) - set(known):
        near = difflib.get_close_matches(region, known, n=1)
        hints[region] = f"{region} is no region known here" + (f"; did you mean {near[0]}?" if near else "")
    return hints


def missing_file(opening: Opening) -> SourceError | None:
    """The error for a file that the options name and that is not there."""
    options: AwsOptions = opening.options
    for name, path in (("config_file", options.config_file), ("credentials_file", options.credentials_file)):
        if path is not None and not opening.resolve(path).is_file():
            return Misconfigured(
                f"{name} {opening.resolve(path)} is not there",
                where=opening.name,
                next_step="mend the path in the estate, or leave it out",
            )
    return None
