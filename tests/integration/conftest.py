"""Fixtures that several files of this folder use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Moto
    from tests.lab.aws_proxy import AwsProxy


@pytest.fixture
def proxy(moto: Moto) -> Iterator[AwsProxy]:
    """moto, but for what the test tells it to answer itself."""
    from tests.lab.aws_proxy import AwsProxy

    with AwsProxy(moto.url) as running:
        yield running
