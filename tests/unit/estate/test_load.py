"""Estate files: read whole, or everything that is wrong with them is said at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.estate.load import load_file
from calmtui.estate.model import DEFAULT_RULES, Estate
from calmtui.estate.problems import EstateError
from tests.unit.estate.broken import BROKEN, SEVERAL, SEVERAL_SAID

ENVIRONMENT = {"ESTATE_NAME": "x", "SECRET": "hunter2"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "estate.yaml"


def _load(file: Path, text: str | bytes) -> Estate:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_file(file, ENVIRONMENT)


def _said(file: Path, text: str | bytes) -> list[str]:
    with pytest.raises(EstateError) as raised:
        _load(file, text)
    return [line.removeprefix(f"{file}:") for line in str(raised.value).splitlines()]


# -- what is wrong ------------------------------------------------------------------


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_said_with_its_line_and_what_is_allowed(file: Path, case: str) -> None:
    text, wanted = BROKEN[case]
    assert _said(file, text) == wanted


def test_there_are_thirty_broken_files_at_least() -> None:
    assert len(BROKEN) >= 30


def test_everything_wrong_with_a_file_is_said_at_once(file: Path) -> None:
    assert _said(file, SEVERAL) == SEVERAL_SAID


def test_what_the_environment_holds_is_never_shown(file: Path) -> None:
    source = "{provider: docker, host: '${SECRET}', timeout: '${SECRET}', tls: '${SECRET}'}"
    text = f"name: ${{SECRET}}!\nsources:\n  a: {source}\n"
    said = _said(file, text)
    assert len(said) == 4
    assert "hunter2" not in "".join(said)


def test_a_file_that_is_not_there_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "production.yaml").touch()
    with pytest.raises(EstateError, match=r"prodution\.yaml: no such file; did you mean '.*/production\.yaml'"):
        load_file(tmp_path / "prodution.yaml")


def test_a_folder_without_an_estate_file_says_what_it_should_be_called(tmp_path: Path) -> None:
    (tmp_path / "estate.yml").touch()
    with pytest.raises(EstateError, match=r"no estate\.yaml in this folder; .* did you mean 'estate\.yml'"):
        load_file(tmp_path)


def test_a_folder_of_estates_names_them(tmp_path: Path) -> None:
    for name in ("staging", "prod"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "estate.yaml").touch()
    with pytest.raises(EstateError, match="estates in it: prod, staging"):
        load_file(tmp_path)


def test_a_file_without_end_is_not_read_whole() -> None:
    with pytest.raises(EstateError, match="larger than 1 MiB"):
        load_file("/dev/zero")


def test_a_wrong_estate_is_wrong_use_for_scripts() -> None:
    assert issubclass(EstateError, UsageError)


WORDS = (
    "name sources provider docker aws kubernetes ssh regions all derive env label.x read_only enabled true null ~ "
    "${X} ${SECRET} $${ ${X:-y} {} [] [ ] { } : - , & * &a *a <<: ? | > ' \" \\U00110000 \\ud800 # % --- ... "
    "!x !!str @ \t \x85 \u2028 é 😀 0 -1 1e9 a b"
)
TOKENS = st.sampled_from(
    [*WORDS.split(" "), "\n", "\n  ", "\n    ", " ", ": ", "\nsources:\n  a: {provider: docker, ", "\nderive: {"]
)
ANY_HOST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY_HOST
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"? ? ? :")
@example(b'name: "\\ud800"\nsources: {a: {provider: docker, context: "\\ud800"}}')
def test_any_bytes_are_an_estate_or_an_error_with_a_place(file: Path, data: bytes) -> None:
    _estate_or_error(file, data)


@ANY_HOST
@given(st.lists(TOKENS, max_size=40).map("".join))
def test_any_words_of_estate_files_are_an_estate_or_an_error_with_a_place(file: Path, text: str) -> None:
    _estate_or_error(file, text.encode())


VALUES = st.recursive(
    st.sampled_from(["x", "all", "1", "-1", "", "tcp://x", "true", "null", "[]", "{}", "${X}", "web[1-"]),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["ca", "a"]), inner, max_size=2).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
        )
    ),
    max_leaves=4,
)
KEYS = [
    "provider",
    "enabled",
    "defaults",
    "host",
    "hosts",
    "context",
    "tls",
    "regions",
    "profile",
    "namespaces",
    "logs",
    "user",
]


@ANY_HOST
@given(
    st.sampled_from(["aws", "docker", "kubernetes", "ssh"]),
    st.dictionaries(st.sampled_from(KEYS[1:]), VALUES, max_size=4),
)
def test_any_settings_of_a_source_are_options_or_errors_at_their_line(
    file: Path, provider: str, given_settings: dict[str, str]
) -> None:
    lines = [f"    {key}: {value}" for key, value in given_settings.items()]
    _estate_or_error(file, "\n".join(["sources:", "  a:", f"    provider: {provider}", *lines]).encode())


def _estate_or_error(file: Path, data: bytes) -> None:
    try:
        assert isinstance(_load(file, data), Estate)
    except EstateError as error:
        assert error.problems
        lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + data.count(b"\xe2\x80\xa8") + 1
        for problem in error.problems:
            assert 1 <= problem.line <= lines + data.count(b"\xe2\x80\xa9")
            assert problem.column >= 1
            assert str(problem).isprintable()
            str(problem).encode()


# -- what is right -----------------------------------------------------------------------


def test_a_whole_estate_is_read(file: Path) -> None:
    estate = _load(
        file,
        """\
name: lab
description: The lab
read_only: yes
sources:
  engine:
    provider: docker
    context: ${CONTEXT:-lab}
    defaults: {env: production}
  cloud: {provider: aws, profile: 012345678901, enabled: false, poll_seconds: 30}
derive:
  env: label.stage
  service: []
""",
    )
    engine, cloud = estate.sources
    assert (estate.name, estate.description, estate.read_only) == ("lab", "The lab", True)
    assert (engine.name, engine.provider, engine.options.context, engine.enabled) == ("engine", "docker", "lab", True)
    assert engine.defaults == {"env": "production"}
    assert (cloud.options.profile, cloud.options.poll_seconds, cloud.enabled) == ("012345678901", 30.0, False)
    assert estate.derive == {"env": ("label.stage",), "service": (), "region": DEFAULT_RULES["region"]}
    assert estate.path == file
    assert estate.folder == file.parent


def test_the_folder_names_an_estate_that_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "prod-eu").mkdir()
    (tmp_path / "prod-eu" / "estate.yaml").write_text("sources: {a: {provider: docker}}")
    assert load_file(tmp_path / "prod-eu").name == "prod-eu"


def test_anchors_and_merges_work_and_what_is_written_out_wins(file: Path) -> None:
    estate = _load(
        file,
        """\
sources:
  a: &base {provider: aws, profile: one, regions: [eu-west-1]}
  b: {profile: two, <<: *base}
  c: {<<: [{poll_seconds: 60}, *base], regions: all}
""",
    )
    _, b, c = (source.options for source in estate.sources)
    assert (b.profile, b.regions) == ("two", ["eu-west-1"])
    assert (c.profile, c.regions, c.poll_seconds) == ("one", "all", 60.0)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"),
        ("1.10", "1.10"),
        ("0123", "0123"),
        ("22:30", "22:30"),
        ("2026-01-01", "2026-01-01"),
        ("'${ESTATE_NAME}-$${ESTATE_NAME}'", "x-${ESTATE_NAME}"),
        ("'${NOBODY:-}${ESTATE_NAME}'", "x"),
        ("$HOME", "$HOME"),
        ("null", None),
        ("~", None),
    ],
)
def test_text_stays_what_was_written(file: Path, written: str, read: str | None) -> None:
    estate = _load(file, f"sources: {{a: {{provider: aws, profile: {written}}}}}")
    assert estate.sources[0].options.profile == read


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(file: Path) -> None:
    data = b"\xef\xbb\xbfname: x\r\nsources:\r\n  a: {provider: docker, hots: x}\r\n"
    assert _said(file, data)[0].startswith("3:25: unknown key 'hots'")
