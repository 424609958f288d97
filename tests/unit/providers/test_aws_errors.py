"""botocore's exceptions and AWS's codes as errors that operators can act upon."""

from __future__ import annotations

import inspect

import botocore.exceptions as aws
import pytest

from calmtui.providers.aws.errors import CLASSES, CODES, LONGEST, translate
from calmtui.providers.base import (
    AuthFailed,
    Forbidden,
    Misconfigured,
    NodeGone,
    OutcomeUnknown,
    SourceError,
    Throttled,
    Unreachable,
)

# Of calls that this provider never makes, or faults in the call itself: a plain SourceError tells them.
PLAIN = {
    "AliasConflictParameterError", "ApiVersionNotFoundError", "AwsChunkedWrapperError", "BotoCoreError",
    "CapacityNotAvailableError", "ChecksumError", "DataNotFoundError", "FlexibleChecksumError",
    "InvalidExpressionError", "InvalidS3AddressingStyleError", "InvalidS3UsEast1RegionalEndpointConfigError",
    "MD5UnavailableError", "MissingParametersError", "OperationNotPageableError", "PaginationError",
    "ParamValidationError", "RangeError", "ServiceNotInRegionError", "StubAssertionError", "StubResponseError",
    "UnStubbedResponseError", "UnknownClientMethodError", "UnknownKeyError", "UnknownParameterError",
    "UnknownServiceError", "UnknownServiceStyle", "UnknownSignatureVersionError", "UnseekableStreamError",
    "UnsupportedOutpostResourceError", "UnsupportedS3AccesspointConfigurationError", "UnsupportedS3ArnError",
    "UnsupportedS3ConfigurationError", "UnsupportedS3ControlArnError", "UnsupportedS3ControlConfigurationError",
    "UnsupportedServiceProtocolsError", "UnsupportedSignatureVersionError", "ValidationError", "WaiterConfigError",
    "WaiterError",
}  # fmt: skip


def public() -> dict[str, type[Exception]]:
    return {
        name: cls
        for name, cls in vars(aws).items()
        if inspect.isclass(cls) and issubclass(cls, aws.BotoCoreError) and cls.__module__ == aws.__name__
    }


def kind_of(cls: type[Exception]) -> type[SourceError]:
    return next(CLASSES[base] for base in cls.__mro__ if base in CLASSES)[0]


def test_every_public_exception_of_botocore_is_told_apart_or_known_to_be_plain() -> None:
    plain = {name for name, cls in public().items() if kind_of(cls) is SourceError}
    assert plain == PLAIN & set(public()), "decide what a new exception means to an operator"


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (aws.ProfileNotFound(profile="prdo"), Misconfigured, "profile (prdo)"),
        (aws.NoCredentialsError(), AuthFailed, "aws configure --profile prod"),
        (aws.UnauthorizedSSOTokenError(), AuthFailed, "aws sso login --profile prod"),
        (aws.TokenRetrievalError(provider="sso", error_msg="expired"), AuthFailed, "aws sso login"),
        (aws.NoRegionError(), Misconfigured, "regions"),
        (aws.EndpointConnectionError(endpoint_url="https://ec2"), Unreachable, "https://ec2"),
        (aws.ConnectTimeoutError(endpoint_url="https://ec2"), Unreachable, "network"),
        (aws.ReadTimeoutError(endpoint_url="https://ec2"), Unreachable, "network"),
        (aws.SSLError(endpoint_url="https://ec2", error="bad"), Unreachable, "AWS_CA_BUNDLE"),
        (aws.ProxyConnectionError(proxy_url="http://proxy"), Unreachable, "HTTPS_PROXY"),
    ],
)
def test_an_exception_says_what_happened_where_and_what_to_do(
    error: Exception, kind: type[SourceError], told: str
) -> None:
    ours = translate(error, "cloud eu-west-1", profile="prod")
    assert type(ours) is kind
    assert told in str(ours)
    assert str(ours).startswith("cloud eu-west-1: ")
    assert ours.next_step


def answered(code: str, message: str = "No.") -> aws.ClientError:
    return aws.ClientError({"Error": {"Code": code, "Message": message}}, "DescribeInstances")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("RequestLimitExceeded", Throttled),
        ("Throttling", Throttled),
        ("AuthFailure", AuthFailed),
        ("ExpiredToken", AuthFailed),
        ("UnauthorizedOperation", Forbidden),
        ("InvalidInstanceID.NotFound", NodeGone),
        ("NeverHeardOf", SourceError),
    ],
)
def test_a_code_of_aws_has_its_meaning(code: str, kind: type[SourceError]) -> None:
    ours = translate(answered(code), "cloud")
    assert type(ours) is kind
    assert ours.what == f"{code}: No"


def test_an_act_whose_answer_was_lost_may_have_happened() -> None:
    lost = aws.ReadTimeoutError(endpoint_url="https://ec2")
    refused = aws.EndpointConnectionError(endpoint_url="https://ec2")
    assert type(translate(lost, "cloud", acting=True)) is OutcomeUnknown
    assert type(translate(answered("InternalError"), "cloud", acting=True)) is OutcomeUnknown
    assert type(translate(refused, "cloud", acting=True)) is Unreachable


def test_the_encoded_part_of_a_refusal_and_long_messages_are_cut() -> None:
    refusal = translate(answered("UnauthorizedOperation", "Not so. Encoded authorization failure message: abc"), "c")
    assert refusal.what == "UnauthorizedOperation: Not so"
    assert len(translate(answered("Odd", "word " * 1000), "cloud").what) == LONGEST


def test_every_next_step_can_be_filled_in() -> None:
    for _, next_step in (*CLASSES.values(), *CODES.values()):
        assert "{" not in next_step.format(profile="")
