"""botocore's exceptions and AWS's error codes as errors of `providers.base`, each with what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import exceptions as aws

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

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 300
"""Characters of AWS's own message that are kept: some carry kilobytes of encoded detail."""

_LOG_IN = "log in again: aws sso login{profile}"
_KEYS = "set them up with: aws configure{profile}"
_SETTINGS = "mend it in ~/.aws/config, or name another profile in the estate"
_NETWORK = "check the network, the proxy and endpoint_url"
_CLOCK = "check the keys of the profile and this machine's clock"

CLASSES: Mapping[type[Exception], tuple[type[SourceError], str]] = {
    aws.BotoCoreError: (SourceError, ""),
    # the other side does not answer
    aws.ConnectionError: (Unreachable, _NETWORK),
    aws.HTTPClientError: (Unreachable, _NETWORK),
    aws.IncompleteReadError: (Unreachable, ""),
    aws.SSLError: (Unreachable, "check the certificate of the endpoint, and AWS_CA_BUNDLE behind a TLS proxy"),
    aws.ProxyConnectionError: (Unreachable, "check HTTPS_PROXY"),
    aws.MetadataRetrievalError: (Unreachable, "name a profile if this machine is no EC2 instance"),
    # who we are
    aws.NoCredentialsError: (AuthFailed, _KEYS),
    aws.PartialCredentialsError: (AuthFailed, _KEYS),
    aws.NoAuthTokenError: (AuthFailed, _LOG_IN),
    aws.CredentialRetrievalError: (AuthFailed, "check the credential_process or role of the profile"),
    aws.RefreshWithMFAUnsupportedError: (AuthFailed, "a session with MFA has ended: retry the source to log in again"),
    aws.SSOError: (AuthFailed, _LOG_IN),
    aws.TokenRetrievalError: (AuthFailed, _LOG_IN),
    aws.LoginError: (AuthFailed, "log in again: aws login{profile}"),
    # what is written in files and in the estate
    aws.ProfileNotFound: (Misconfigured, "see `aws configure list-profiles` for those that there are"),
    aws.ConfigNotFound: (Misconfigured, _SETTINGS),
    aws.ConfigParseError: (Misconfigured, _SETTINGS),
    aws.InvalidConfigError: (Misconfigured, _SETTINGS),
    aws.InvalidDefaultsMode: (Misconfigured, _SETTINGS),
    aws.InvalidEndpointConfigurationError: (Misconfigured, _SETTINGS),
    aws.InvalidEndpointDiscoveryConfigurationError: (Misconfigured, _SETTINGS),
    aws.InvalidChecksumConfigError: (Misconfigured, _SETTINGS),
    aws.InvalidIMDSEndpointError: (Misconfigured, _SETTINGS),
    aws.InvalidIMDSEndpointModeError: (Misconfigured, _SETTINGS),
    aws.InvalidProxiesConfigError: (Misconfigured, _SETTINGS),
    aws.InvalidRetryConfigurationError: (Misconfigured, _SETTINGS),
    aws.InvalidSTSRegionalEndpointsConfigError: (Misconfigured, _SETTINGS),
    aws.UnknownCredentialError: (Misconfigured, _SETTINGS),
    aws.UnknownTokenProviderError: (Misconfigured, _SETTINGS),
    aws.MissingDependencyException: (Misconfigured, "install what it names beside calmtui"),
    aws.NoRegionError: (Misconfigured, "give the source `regions`, or the profile a region"),
    aws.BaseEndpointResolverError: (Misconfigured, "check `regions` of the source"),
    aws.EndpointProviderError: (Misconfigured, "check `regions` and `endpoint_url` of the source"),
    aws.InvalidRegionError: (Misconfigured, "check `regions` of the source"),
    aws.UnknownRegionError: (Misconfigured, "check `regions` of the source"),
    aws.InvalidDNSNameError: (Misconfigured, "check `regions` and `endpoint_url` of the source"),
    aws.InvalidHostLabelError: (Misconfigured, "check `regions` of the source"),
}
"""By botocore's class; of a class that is not here the nearest ancestor's holds."""

_WRONG_KEYS = (AuthFailed, _CLOCK)
_EXPIRED = (AuthFailed, "the session has ended: log in again, or renew the keys of the profile")
_SLOWER = (Throttled, "fewer requests are sent until AWS answers again")
CODES: Mapping[str, tuple[type[SourceError], str]] = {
    "AuthFailure": _WRONG_KEYS,
    "InvalidClientTokenId": _WRONG_KEYS,
    "InvalidAccessKeyId": _WRONG_KEYS,
    "UnrecognizedClientException": _WRONG_KEYS,
    "SignatureDoesNotMatch": _WRONG_KEYS,
    "IncompleteSignature": _WRONG_KEYS,
    "MissingAuthenticationToken": _WRONG_KEYS,
    "RequestExpired": (AuthFailed, "check this machine's clock, then log in again"),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "OptInRequired": (AuthFailed, "the account has not enabled this region or service"),
    "Blocked": (AuthFailed, "the account is blocked: ask AWS support"),
    "PendingVerification": (AuthFailed, "AWS is still verifying the account"),
    "UnauthorizedOperation": (Forbidden, "ask for this permission in IAM"),
    "UnauthorizedException": (Forbidden, "ask for this permission in IAM"),
    "AccessDenied": (Forbidden, "ask for this permission in IAM"),
    "AccessDeniedException": (Forbidden, "ask for this permission in IAM"),
    "OperationNotPermitted": (Forbidden, "termination or stop protection may be on: see describe"),
    "InvalidInstanceID.NotFound": (NodeGone, ""),
    "ResourceNotFoundException": (NodeGone, ""),
    "TargetGroupNotFound": (Misconfigured, "name a target group of the node's region, or give its ARN"),
    "InvalidTarget": (SourceError, "the instance has to run, in a network of the target group"),
    "InvalidInstanceID.Malformed": (NodeGone, ""),
    "RequestLimitExceeded": _SLOWER,
    "Throttling": _SLOWER,
    "ThrottlingException": _SLOWER,
    "ThrottledException": _SLOWER,
    "RequestThrottled": _SLOWER,
    "RequestThrottledException": _SLOWER,
    "TooManyRequestsException": _SLOWER,
    "BandwidthLimitExceeded": _SLOWER,
    "EC2ThrottledException": _SLOWER,
    "InternalError": (Unreachable, "AWS has a fault: see https://health.aws.amazon.com"),
    "InternalFailure": (Unreachable, "AWS has a fault: see https://health.aws.amazon.com"),
    "ServiceUnavailableException": (Unreachable, "AWS has a fault: see https://health.aws.amazon.com"),
    "ServiceUnavailable": (Unreachable, "AWS has a fault: see https://health.aws.amazon.com"),
    "Unavailable": (Unreachable, "AWS has a fault: see https://health.aws.amazon.com"),
    "IncorrectInstanceState": (SourceError, "its state has changed: look again"),
    "IncorrectState": (SourceError, "its state has changed: look again"),
    "UnsupportedOperation": (SourceError, "this kind of instance cannot do that"),
    "InsufficientInstanceCapacity": (SourceError, "the zone has no such instance free: try later or another type"),
    "InstanceLimitExceeded": (SourceError, "the account's quota is used up"),
    "VcpuLimitExceeded": (SourceError, "the account's quota is used up"),
}
"""By the code of an answer of AWS: the common ones and EC2's own (EC2 API reference, "Error codes")."""

_MAY_HAVE_HAPPENED = (aws.HTTPClientError, aws.IncompleteReadError)
"""What is raised once a request may have been sent; the connection errors beside them come before that."""
_FAULTS = ("InternalError", "InternalFailure")
"""Codes of an AWS that broke down at an unknown point of the work."""
_UNKNOWN = (OutcomeUnknown, "see the instance's state before doing it again")


def translate(error: Exception, where: str, *, profile: str | None = None, acting: bool = False) -> SourceError:
    """The error of ours that stands for one of botocore's. `acting`: the request was to change something."""
    if isinstance(error, aws.ClientError):
        answer = error.response.get("Error", {})
        code = answer.get("Code", "")
        kind, next_step = CODES.get(code, (SourceError, ""))
        if acting and code in _FAULTS:
            kind, next_step = _UNKNOWN
        message = answer.get("Message", "").partition(" Encoded authorization failure message")[0]
        return kind(_cut(f"{code}: {message}" if message else code or str(error)), where=where, next_step=next_step)
    kind, next_step = next(CLASSES[base] for base in type(error).__mro__ if base in CLASSES)
    if acting and isinstance(error, _MAY_HAVE_HAPPENED):
        kind, next_step = _UNKNOWN
    option = f" --profile {profile}" if profile else ""
    return kind(_cut(str(error)), where=where, next_step=next_step.format(profile=option))


def _cut(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
