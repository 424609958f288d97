"""What differs from a blueprint, node by node; what is not known is no proof."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.actions.outcome import Status
from calmtui.blueprints.bind import Bound
from calmtui.blueprints.contrast import Side, contrast
from calmtui.blueprints.drift import Answer, Drift, Looked, Looks, compare, version_of
from calmtui.fleet.node import Node, State
from tests.unit.blueprints.estate import bound, node, who

TEXT = """
query: "service=shop-*"
variables: {version: "1.9.2"}
tiers:
  web:
    query: "service=shop-web"
    needs: [api]
    expect: {count: 3, image: "shop/web:{{ version }}", labels: {track: stable, upstream: "{{ api.address }}:8080"}}
  api: {query: "service=shop-api", expect: {count: {min: 1, max: 2}, version: "2.*", state: [running, pending]}}
environments:
  test: {query: "env=test"}
  next: {query: "env=next", variables: {version: "1.9.3"}, tiers: {web: {expect: {count: 1, labels: {track: canary}}}}}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Bound:
    return bound(tmp_path_factory.mktemp("shop"), TEXT)


def web(number: int, version: str = "1.9.2", **fields: object) -> Node:
    labels = {"track": "stable", "upstream": "10.0.0.1:8080"}
    return node(f"web-{number}", "shop-web", image=f"shop/web:{version}", **{"labels": labels, **fields})  # type: ignore[arg-type]


API = node("api-1", "shop-api", addresses=("10.0.0.1",), image="registry:5000/shop/api:2.4@sha256:1")


def drift(shop: Bound, *nodes: Node, stale: tuple[str, ...] = (), silent: dict[str, str] | None = None,
          looks: Looks | None = None) -> Drift:  # fmt: skip
    return compare(shop, who(shop, *nodes), is_stale=lambda one: one.name in stale, silent=silent or {}, looks=looks)


def test_a_service_as_declared_is_complete(shop: Bound) -> None:
    found = drift(shop, API, *map(web, range(3)), node("other", "billing"), node("web-9", "shop-web", env="prod"))
    assert (found.completeness, found.fine, found.reasons) == ("4 of 4", True, [])


def test_each_difference_is_named_what_is_wrong_before_what_is_not_known(shop: Bound) -> None:
    found = drift(
        shop, API, web(1, "1.9.1"), web(2, state=State.FAILED, raw_state="exited", reason="exit 1"),
        web(3, labels={"track": "beta"}), web(4, state=State.UNKNOWN), node("cron", "shop-cron"), web(5),
        stale=("web-5",),
    )  # fmt: skip
    assert found.completeness == "1 of 6"
    assert found.reasons == [
        "web: count 5 (2 too many), not 3",
        "web-1: image shop/web:1.9.1, not shop/web:1.9.2",
        "web-2: state exited (exit 1), not running",
        "web-3: label.track beta, not stable",
        "web-3: label.upstream missing, not 10.0.0.1:8080",
        "cron: in no tier",
        "web-4: state not known: unknown",
        "web-5: source not known: e does not answer for it",
    ]


def test_a_missing_node_counts_and_may_be_of_a_source_that_does_not_answer(shop: Bound) -> None:
    found = drift(shop, API, web(1), web(2))
    assert (found.completeness, found.wrong) == ("3 of 4", True)
    assert found.reasons == ["web: count 2 (1 missing), not 3"]
    found = drift(shop, API, web(1), web(2), silent={"rack": "timed out"})
    assert (found.wrong, found.fine) == (False, False)
    assert found.reasons == [
        "web: count not known: 2 (1 missing); rack may have more", "source rack does not answer: timed out",
    ]  # fmt: skip


def test_a_source_that_does_not_answer_matters_only_where_more_could_be_missing(tmp_path: Path) -> None:
    exact = bound(
        tmp_path, "tiers: {a: {query: service=a, expect: {count: 1}}}\nenvironments: {test: {query: env=test}}\n"
    )
    assert drift(exact, node("a", "a"), silent={"rack": "timed out"}).fine
    some = bound(tmp_path, "tiers: {a: {query: service=a}}\nenvironments: {test: {query: env=test}}\n")
    assert not drift(some, node("a", "a"), silent={"rack": "timed out"}).fine


def test_a_node_in_two_tiers_is_told(tmp_path: Path) -> None:
    both = bound(
        tmp_path, "tiers: {a: {query: service=a}, b: {query: name=n}}\nenvironments: {test: {query: env=test}}\n"
    )
    assert drift(both, node("n", "a")).reasons == [
        "n: tier a and b, not one of them",
        "n: tier b and a, not one of them",
    ]


def test_what_only_the_nodes_can_tell_is_compared_when_they_were_asked(tmp_path: Path) -> None:
    text = """
tiers: {a: {query: service=a, expect: {version: "1.*", version_by: "cat V"}, check: {tcp: "{{ node.address }}:1"}}}
environments: {test: {query: env=test}}
"""
    asked, nodes = bound(tmp_path, text), [node(f"a{number}", "a") for number in range(4)]
    found = drift(asked, *nodes)
    assert (found.fine, found.unchecked) == (True, ("a",))
    fine, failed = Answer(Status.OK, "1.2"), Answer(Status.FAILED, "exit 1")
    looks = {
        ("a", nodes[0].id): Looked(fine, Answer(Status.OK, "")), ("a", nodes[1].id): Looked(failed, failed),
        ("a", nodes[2].id): Looked(Answer(Status.OK, "2.0"), Answer(Status.UNKNOWN, "it may not be asked: frozen")),
    }  # fmt: skip
    found = drift(asked, *nodes, looks=looks)
    assert (found.completeness, found.unchecked) == ("1 of 4", ())
    assert found.reasons == [
        "a1: check failed: exit 1",
        "a2: version 2.0, not 1.*",
        "a1: version not known: exit 1",
        "a2: check not known: it may not be asked: frozen",
        "a3: version not known: it was not asked",
        "a3: check not known: it was not made",
    ]


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"image": "postgres:15.3"}, "15.3"), ({"image": "r:5000/shop/web"}, ""), ({"image": "a/b:1@sha256:0"}, "1"),
        ({"image": "a:1", "labels": {"app.kubernetes.io/version": "2"}}, "2"),
    ],
)  # fmt: skip
def test_a_version_is_told_by_a_label_or_the_tag_of_the_image(fields: dict[str, object], version: str) -> None:
    assert version_of(node("n", "s", **fields)) == version  # type: ignore[arg-type]


kinds = st.tuples(
    st.sampled_from(["shop-web", "shop-api", "shop-cron", "billing"]), st.sampled_from(["test", "next"]),
    st.sampled_from([State.RUNNING, State.PENDING, State.FAILED, State.UNKNOWN]),
    st.sampled_from(["1.9.2", "1.9.1", "2.0", ""]), st.booleans(), st.sampled_from(["stable", "beta"]),
)  # fmt: skip


@given(st.lists(kinds, max_size=12), st.booleans())
def test_completeness_is_what_counting_by_hand_comes_to(
    shop: Bound, drawn: list[tuple[str, str, State, str, bool, str]], silent: bool
) -> None:
    nodes, stale, good, total, strays = [], [], {"shop-web": 0, "shop-api": 0}, {"shop-web": 0, "shop-api": 0}, 0
    for number, (service, env, state, version, is_stale, track) in enumerate(drawn):
        image = f"shop/web:{version}" if version else ""
        labels = {"track": track, "upstream": ":8080"}
        nodes.append(node(f"n{number:02}", service, env, state, image=image, labels=labels, addresses=("",)))
        stale += [f"n{number:02}"] if is_stale else []
        if env != "test" or service == "billing":
            continue
        if service == "shop-cron":
            strays += 1
            continue
        total[service] += 1
        if service == "shop-web":
            fits = state is State.RUNNING and version == "1.9.2" and track == "stable"
        else:
            fits = state in (State.RUNNING, State.PENDING) and version == "2.0"
        good[service] += fits and not is_stale
    found = drift(shop, *nodes, stale=tuple(stale), silent={"rack": "no"} if silent else {})
    assert (found.good, found.total) == (sum(good.values()), max(total["shop-web"], 3) + max(total["shop-api"], 1))
    counted = total["shop-web"] == 3 and 1 <= total["shop-api"] <= 2
    assert found.fine == (counted and good == total and not strays and not silent)
    assert bool(found.reasons) != found.fine


def test_two_environments_side_by_side_tell_what_is_declared_so_and_what_is_not(tmp_path: Path) -> None:
    here, there = bound(tmp_path, TEXT), bound(tmp_path, TEXT, "next")
    canary = {"track": "canary", "upstream": "10.0.0.9:8080"}
    other = [
        node("web-1", "shop-web", "next", image="shop/web:1.9.3", labels=canary),
        node("api-1", "shop-api", "next", image="shop/api:2.5", addresses=("10.0.0.9",)),
    ]
    ours = [API, *map(web, range(2)), web(2, "1.9.1")]
    aspects = contrast(Side(here, drift(here, *ours)), Side(there, drift(there, *other)))
    told = {(one.tier, one.what): (one.left, one.right, one.word) for one in aspects}
    assert told == {
        ("api", "count"): ("1", "1", "same"),
        ("api", "state"): ("running", "running", "same"),
        ("api", "image"): ("registry:5000/shop/api:2.4@sha256:1", "shop/api:2.5", "differs"),
        ("api", "version"): ("2.4", "2.5", "as declared"),
        ("web", "count"): ("3", "1", "as declared"),
        ("web", "state"): ("running", "running", "same"),
        ("web", "image"): ("shop/web:1.9.2 ×2, shop/web:1.9.1 ×1", "shop/web:1.9.3", "drift"),
        ("web", "label.track"): ("stable", "canary", "as declared"),
        ("web", "label.upstream"): ("10.0.0.1:8080", "10.0.0.9:8080", "as declared"),
    }
