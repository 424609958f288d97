"""The shop's functions, which log to CloudWatch: some history, then a line every second or two."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3

from calmtui.demo.population import IRELAND

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

GROUPS = {"/aws/lambda/shop-checkout": 14, "/aws/lambda/shop-mail": 3}
"""Log groups and the days for which they are kept."""
STREAM = "2026/11/21/[$LATEST]4f0c81d2"
EVERY = (0.8, 2.5)
"""Seconds from one line to the next."""
HISTORY = 120
"""Lines that are there from the beginning, over the last half hour."""


def written(url: str) -> CloudWatchLogsClient:
    """The log groups made, with their history; the client that made them."""
    session = boto3.Session(aws_access_key_id="demo", aws_secret_access_key="demo")  # noqa: S106 -- moto's
    logs = session.client("logs", region_name=IRELAND, endpoint_url=url)
    chance = random.Random(11)
    now = time.time()
    for group, days in GROUPS.items():
        logs.create_log_group(logGroupName=group)
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)
        logs.create_log_stream(logGroupName=group, logStreamName=STREAM)
        for number in range(HISTORY):
            _write(logs, group, now - 1800 * (1 - number / HISTORY), chance)
    return logs


def go_on(logs: CloudWatchLogsClient, wait: Callable[[float], bool]) -> None:
    """Write until `wait` says that it is over."""
    chance = random.Random(12)
    while not wait(chance.uniform(*EVERY)):
        _write(logs, chance.choice(list(GROUPS)), time.time(), chance)


def _write(logs: CloudWatchLogsClient, group: str, at: float, chance: random.Random) -> None:
    """One invocation of a function: nine in ten go well."""
    took, order = chance.uniform(8, 240), chance.randrange(10_000, 99_999)
    if chance.random() < 0.9:
        text = f'{{"level":"info","msg":"done","order":{order},"ms":{took:.0f}}}'
    else:
        text = f'{{"level":"error","msg":"payment provider timed out","order":{order},"ms":{took + 3000:.0f}}}'
    logs.put_log_events(
        logGroupName=group, logStreamName=STREAM, logEvents=[{"timestamp": int(at * 1000), "message": text}]
    )
