"""AWS: EC2 instances by account and region. Importing this is cheap; boto3 is imported when a source connects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.providers.aws.actions import ACTIONS
from calmtui.providers.base import Action, Discovered, Opening

if TYPE_CHECKING:
    from calmtui.providers.aws.options import AwsOptions
    from calmtui.providers.aws.source import AwsSource


class Aws:
    """The provider of `provider: aws`."""

    kind = "aws"

    @property
    def actions(self) -> tuple[Action, ...]:
        """Start, stop, reboot, terminate."""
        return ACTIONS

    def options(self) -> type[AwsOptions]:
        """The settings of an AWS source."""
        from calmtui.providers.aws.options import AwsOptions

        return AwsOptions

    def open(self, opening: Opening) -> AwsSource:
        """A source for one profile and its regions. Raises Misconfigured when a file that it names is not there."""
        from calmtui.providers.aws.source import AwsSource

        return AwsSource(opening)

    def discover(self) -> list[Discovered]:
        """The profiles of the AWS configuration files, and the keys in the environment."""
        from calmtui.providers.aws.discover import discover

        return discover()


PROVIDER = Aws()
