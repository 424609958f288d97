"""The settings of a Docker source in an estate file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TlsOptions(BaseModel):
    """How an engine on tcp is trusted, and who we are to it; the files are PEM."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    ca: Path | None = None
    """Certificate of the authority that signed the engine's certificate; unset: the system's authorities."""
    cert: Path | None = None
    """Our certificate, for an engine that asks for one (`dockerd --tlsverify`)."""
    key: Path | None = None
    """The key of our certificate."""
    verify: bool = True
    """Whether the engine's certificate must be valid for its name; false trusts whoever answers."""

    @model_validator(mode="after")
    def _certificate_with_key(self) -> TlsOptions:
        if (self.cert is None) != (self.key is None):
            raise ValueError("`cert` and `key` belong together: give both or neither")
        return self


class DockerOptions(BaseModel):
    """One Docker engine. Without `host` and `context` it is the one that the `docker` command would use."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: str | None = Field(default=None, pattern=r"^(unix|tcp|http|https|ssh)://\S+$")
    """Where the engine listens: `unix:///run/docker.sock`, `tcp://HOST:2376`, `ssh://[USER@]HOST[:PORT][/SOCKET]`."""
    context: str | None = Field(default=None, min_length=1)
    """A context of the `docker` command (`docker context ls`), with its TLS files."""
    tls: TlsOptions | None = None
    """TLS for a `tcp://` host; unset: none, or what the context or DOCKER_TLS_VERIFY says."""
    ssh_config: Path | None = None
    """The ssh_config in which an `ssh://` host is looked up; unset: `~/.ssh/config`."""
    timeout: float = Field(default=10, gt=0, le=600)
    """Seconds to wait for an answer of the engine before it counts as unreachable."""

    @model_validator(mode="after")
    def _one_engine(self) -> DockerOptions:
        if self.host is not None and self.context is not None:
            raise ValueError("`host` and `context` both name an engine: keep one of them")
        if self.tls is not None and not (self.host or "").startswith(("tcp://", "https://")):
            raise ValueError("`tls` is for a `tcp://` host; a context brings its own, ssh and unix need none")
        return self
