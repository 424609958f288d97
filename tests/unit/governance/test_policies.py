"""Policies: mistakes are told with their place, and what they say is what they were written to say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.estate.problems import EstateError
from calmtui.fleet.node import Node
from calmtui.governance import examples
from calmtui.governance.decide import Answer, Circumstances, Question, Subject, Verdict, decide
from calmtui.governance.identity import Who
from calmtui.governance.policies import Policies, compiled, load

ACTIONS = ["restart", "stop", "rollout-restart"]

TEAM = """
@id("ops")
permit (principal in Group::"ops", action, resource);

@id("four-eyes")
@approvals("1") @approvers("sre, leads") @expires("4h")
@advice("ask in the channel of the shift")
forbid (principal, action in Action::"act", resource)
when { resource.production && context.danger >= 2 };

@id("no-shell-in-prod")
forbid (principal, action == Action::"shell", resource)
when { resource.production } unless { context.break_glass };

@id("canary-only")
permit (principal == User::"hugo", action == Action::"restart", resource in Selection::"canary")
when { resource.hasTag("track") && resource.getTag("track") == "canary" };
"""


def team() -> Policies:
    return compiled({"team.cedar": TEAM}, ACTIONS)


def ask(
    policies: Policies,
    user: str,
    action: str,
    node: Node,
    *groups: str,
    lifted: frozenset[str] = frozenset(),
    freezes: tuple[str, ...] = (),
    **circumstances: object,
) -> Verdict:
    question = Question(
        action,
        [node],
        Circumstances(**circumstances),  # type: ignore[arg-type]
        [freezes],
        selections=lambda one: ["canary"] if one.labels.get("track") else [],
        is_production=lambda one: one.env == "production",
    )
    return decide(policies, Subject(Who(user), frozenset(groups)), question, lifted=lifted)[0]


PROD = Node("ssh:web/a", "host", "a", "web", env="production")
CANARY = Node("ssh:web/b", "host", "b", "web", labels={"track": "canary"})


def test_nothing_is_permitted_that_no_rule_permits() -> None:
    verdict = ask(team(), "eve", "restart", PROD)
    assert (verdict.answer, verdict.rules, verdict.reason) == (Answer.DENIED, (), "no policy permits it")


def test_a_rule_can_speak_of_users_groups_selections_and_labels() -> None:
    assert ask(team(), "hugo", "restart", CANARY).rules == ("canary-only",)
    assert ask(team(), "hugo", "stop", CANARY).answer is Answer.DENIED
    assert ask(team(), "anna", "stop", CANARY, "ops").rules == ("ops",)


def test_what_others_can_approve_is_told_apart_from_what_is_forbidden() -> None:
    verdict = ask(team(), "anna", "stop", PROD, "ops", danger=2)
    assert (verdict.answer, verdict.rules) == (Answer.APPROVAL, ("four-eyes",))
    assert verdict.needs is not None
    needed = verdict.needs["four-eyes"]
    assert (needed.number, needed.groups, needed.expires) == (1, ("sre", "leads"), 4 * 3600)
    assert "ask in the channel" in verdict.reason
    assert ask(team(), "anna", "shell", PROD, "ops", danger=2).answer is Answer.DENIED


def test_an_approval_lifts_its_rule_and_no_other() -> None:
    lifted = frozenset({"four-eyes"})
    assert ask(team(), "anna", "stop", PROD, "ops", danger=2, lifted=lifted).answer is Answer.ALLOWED
    assert ask(team(), "eve", "stop", PROD, danger=2, lifted=lifted).answer is Answer.DENIED
    assert ask(team(), "anna", "shell", PROD, "ops", lifted=lifted).rules == ("no-shell-in-prod",)


def test_break_glass_opens_only_what_the_rule_says_it_opens() -> None:
    assert ask(team(), "anna", "shell", PROD, "ops", break_glass=True).answer is Answer.ALLOWED
    assert ask(team(), "anna", "stop", PROD, "ops", danger=2, break_glass=True).answer is Answer.APPROVAL


def test_a_rule_that_fails_closes_what_it_was_to_close() -> None:
    policies = compiled(
        {
            "a.cedar": 'permit (principal, action, resource);\n@id("broken") forbid (principal, action, resource)'
            " when { context.targets * 9223372036854775807 > 5 };"
        },
        ACTIONS,
    )
    verdict = ask(policies, "anna", "stop", PROD, targets=2)
    assert verdict.answer is Answer.DENIED
    assert "a policy failed" in verdict.reason


# -- the rules that calmtui comes with --------------------------------------------------------


def test_without_policies_everybody_may_change_all_but_what_is_frozen(tmp_path: Path) -> None:
    policies = load(tmp_path / "policies", ACTIONS)
    assert ask(policies, "eve", "stop", PROD, danger=2).answer is Answer.ALLOWED
    frozen = ask(policies, "eve", "stop", PROD, freezes=("christmas",))
    assert (frozen.answer, frozen.rules, frozen.freezes) == (Answer.DENIED, ("frozen",), ("christmas",))
    assert "christmas" in frozen.reason
    for exempt in ({"undo": True}, {"break_glass": True}):
        assert ask(policies, "eve", "stop", PROD, freezes=("christmas",), **exempt).answer is Answer.ALLOWED


# -- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('permit (principal, action, resource)\n  when { resource.envv == "x" };', "a.cedar:2:19: "),
        ("// a comment; with a semicolon\n\npermit (principal, actio, resource);", "a.cedar:3:20: "),
        ('permit (principal, action == Action::"reboot", resource);', "a.cedar:1:"),
        ("permit (principal, action, resource) when { context.danger == true };", "a.cedar:1:1: "),
        ("permit (principal, action, resource)", "a.cedar:1:1: "),
        (
            '@id("x") permit (principal, action, resource);\n@id("x") permit (principal, action, resource);',
            "a.cedar:2:6: a second rule 'x'; the first is at a.cedar:1",
        ),
        ('@approval("1")\nforbid (principal, action, resource);', "a.cedar:1:2: unknown annotation 'approval'"),
        ('@approvals("1") permit (principal, action, resource);', "a.cedar:1:2: 'approvals' of a permit"),
        (
            '@approvals("no") forbid (principal, action, resource);',
            "a.cedar:1:2: 'approvals' is 'no'; allowed: 1 to 20",
        ),
        ('@approvals("1") @expires("soon") forbid (principal, action, resource);', "a.cedar:1:18: 'expires' is 'soon'"),
        ("permit (principal == ?principal, action, resource);", "a.cedar:1:1: a template"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(EstateError) as raised:
        compiled({"a.cedar": text}, ACTIONS)
    assert str(raised.value).startswith(said)


def test_the_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text("permit (principal, actio, resource);\npermit (principl, action, resource);")
    (tmp_path / "b.cedar").write_text("permit (principal, action, resource) when { context.dangr > 1 };")
    with pytest.raises(EstateError) as raised:
        load(tmp_path, ACTIONS)
    assert [Path(problem.file).name for problem in raised.value.problems] == ["a.cedar", "a.cedar", "b.cedar"]


@given(st.text(alphabet='permit forbid(,)@"{};=/\n abc', max_size=60))
def test_whatever_stands_in_a_file_ends_in_rules_or_in_told_mistakes(text: str) -> None:
    try:
        compiled({"a.cedar": text}, ACTIONS)
    except EstateError as error:
        assert all(problem.line >= 1 for problem in error.problems)


# -- examples ------------------------------------------------------------------------------------


def test_examples_are_answered_as_the_policies_say(tmp_path: Path) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text(
        """
- {name: one, who: {user: anna, groups: [ops]}, action: stop, node: {env: production},
   circumstances: {danger: type-name}, expect: approval, by: four-eyes}
- {who: {user: eve}, action: stop, expect: denied}
- {who: {user: eve}, action: stop, expect: allowed}
"""
    )
    answers = examples.answered(team(), examples.load(file))
    assert [answer.as_expected for answer in answers] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "- {who: {user: eve}, action: stopp, expect: denied}",
            ":1:30: there is no action 'stopp'; did you mean 'stop'?",
        ),
        ("- {who: {user: eve}, action: stop, expect: maybe}", ":1:44: "),
        ("- {who: {user: eve}, action: stop, expect: denied, nod: {}}", ":1:52: unknown key 'nod'"),
        ("who: me", ":1:1: the file is not a list of examples"),
    ],
)
def test_what_is_wrong_with_examples_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "examples.yaml"
    file.write_text(text)
    with pytest.raises(EstateError) as raised:
        examples.load(file)
    assert str(raised.value).removeprefix(str(file)).startswith(said)
