"""The settings of an AWS source in an estate file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

RegionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$")]
"""What can stand in a host name: the rule that botocore itself has for a region."""

GroupPattern = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_/.#*?-]{1,512}$")]
"""The characters of a log group's name, and wildcards."""


class AwsOptions(BaseModel):
    """One account as one profile sees it, in one or more regions."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    profile: str | None = None
    """A profile of the AWS configuration files, with its keys, role, SSO or MFA; unset: what `aws` itself would use."""
    regions: Literal["all"] | list[RegionName] | None = None
    """Regions to list, or `all` that the account has enabled; unset: the region of the profile or the environment."""
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Where the EC2 API is, for a private endpoint or a stand-in; unset: AWS's own endpoint of each region."""
    log_groups: list[GroupPattern] = []
    """CloudWatch log groups to show, by name with `*` and `?`, such as `/aws/lambda/shop-*`; unset: none. An instance's
    logs are then also the streams of these groups that bear its id, as the CloudWatch agent names them."""
    logs_endpoint_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Where the CloudWatch Logs API is, for a private endpoint or a stand-in; unset: AWS's own of each region."""
    balancers_endpoint_url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Where the API of Elastic Load Balancing is, for a private endpoint or a stand-in; unset: AWS's own of each
    region."""
    config_file: Path | None = None
    """The AWS configuration file; unset: AWS_CONFIG_FILE or `~/.aws/config`."""
    credentials_file: Path | None = None
    """The AWS credentials file; unset: AWS_SHARED_CREDENTIALS_FILE or `~/.aws/credentials`."""
    poll_seconds: float = Field(default=45, ge=5, le=3600)
    """Seconds between two listings of a region; an instance acted upon is asked for every second or two."""

    @field_validator("regions")
    @classmethod
    def _some_region_once(cls, regions: Literal["all"] | list[str] | None) -> Literal["all"] | list[str] | None:
        if isinstance(regions, list):
            if not regions:
                raise ValueError("name a region, or write `all`, or leave `regions` out")
            return list(dict.fromkeys(regions))
        return regions
