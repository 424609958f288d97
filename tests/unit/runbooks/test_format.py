"""What is wrong with a runbook file is said all at once, each at its place, with what would be right."""

# ruff: noqa: E501 -- what is said stands in one piece, as an operator reads it

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from calmtui.errors import UsageError
from calmtui.estate.model import Estate
from calmtui.estate.problems import EstateError
from calmtui.runbooks.load import load, load_file
from calmtui.runbooks.schema import schema
from calmtui.runbooks.steps.run import RunStep
from calmtui.runbooks.steps.wait import WaitStep
from calmtui.runbooks.values import check

HEAD = "runbook: x\nsummary: s\ntargets: kind=host\n"
STEPS = "steps:\n  - {run: ls}\n"
KINDS = (
    "one of run, script, copy, action, wait, check, http, jenkins, kubernetes, loadbalancer, approve, input, notify, "
    "runbook, parallel, ansible"
)
SCHEMA = Path(__file__).parents[3] / "inventory" / "runbook.schema.json"

BROKEN: dict[str, tuple[str, list[str]]] = {
    "empty": ("", ["1:1: the file is empty; it begins with 'runbook:' and 'summary:'"]),
    "a list": ("- a\n", ["1:1: the file is not a mapping; it begins with 'runbook:' and 'summary:'"]),
    "a key misspelt": (
        HEAD + STEPS + "on_failur: stop\n",
        ["6:1: unknown key 'on_failur'; allowed: runbook, summary, parameters, targets, strategy, steps, on_failure, rollback, notifications; did you mean 'on_failure'?"],
    ),
    "a step misspelt": (HEAD + "steps:\n  - {runn: ls}\n", [f"5:5: a step that does nothing; {KINDS}; did you mean 'run'?"]),
    "two steps in one": (
        HEAD + "steps:\n  - {run: ls, action: stop}\n",
        [f"5:5: a step that is both run and action; {KINDS}"],
    ),
    "no step": (HEAD + "steps: []\n", ["4:8: 'steps' is empty; it must have at least 1 item"]),
    "a key of a step": (
        HEAD + "steps:\n  - {run: ls, retires: 2}\n",
        ["5:15: unknown key 'retires'; allowed: name, when, env, unless, creates, repeatable, expect, retries, timeout, run; did you mean 'retries'?"],
    ),
    "a key of another step": (
        HEAD + "steps:\n  - {action: restart, timeout: 3s}\n",
        ["5:23: unknown key 'timeout'; allowed: name, when, action, parameters, repeatable, retries"],
    ),
    "a gate among parallel steps": (
        HEAD + "steps:\n  - parallel: [{run: a}, {approve: {}}]\n",
        ["5:26: no approve can stand here; one of run, script, copy, action, wait, check, http, jenkins, kubernetes, loadbalancer"],
    ),
    "a length of time": (
        HEAD + "steps:\n  - {run: ls, timeout: 3 minutes}\n",
        ["5:24: '3 minutes' is no length of time; write 30s, 5m or 1h30m"],
    ),
    "an exit status": (
        HEAD + "steps:\n  - {run: ls, expect: [0, x]}\n",
        ["5:27: item 2 of 'expect' is 'x'; it must be a whole number"],
    ),
    "a parameter misspelt": (
        HEAD + "parameters: {service: {}}\nsteps:\n  - {run: 'restart {{ servise }}'}\n",
        ["6:11: there is no {{ servise }}; did you mean 'service'?"],
    ),
    "an expression": (
        HEAD + "parameters: {a: {}}\nsteps:\n  - {run: 'echo {{ a + 1 }}'}\n",
        ["6:11: {{ a + 1 }} is no name; only names of parameters and node.NAME stand there"],
    ),
    "the node in the targets": (
        "runbook: x\nsummary: s\ntargets: 'name={{ node.name }}'\n" + STEPS,
        ["3:10: there is no {{ node.name }} yet; only parameters can stand here"],
    ),
    "a query": (
        HEAD + "steps:\n  - {run: ls, when: 'kind=('}\n",
        ["5:21: '(' is not expected here; expected a text in quotes or a value"],
    ),
    "a secret in a command": (
        HEAD + "parameters: {token: {type: secret, env: TOKEN}}\nsteps:\n  - {run: 'login {{ token }}'}\n",
        ["6:11: 'token' is a secret, which would be seen here; put it into 'env': {SECRET: '{{ token }}'}, or into 'headers'"],
    ),
    "a secret in a message": (
        HEAD + "parameters: {token: {type: secret, env: TOKEN}}\nsteps:\n  - {notify: 'done {{ token }}'}\n",
        ["6:14: 'token' is a secret, which would be seen here; put it into 'env': {SECRET: '{{ token }}'}, or into 'headers'"],
    ),
    "a secret from nowhere": (
        HEAD + "parameters: {token: {type: secret}}\n" + STEPS,
        ["4:14: a secret needs 'env' or 'file', and has no default; name where it is found"],
    ),
    "what cannot be quoted": (
        HEAD + "parameters: {a: {}}\nsteps:\n  - {run: 'echo `ls {{ a }}`'}\n",
        ["6:11: nothing can be put in safely behind `; put it into 'env', and use the variable"],
    ),
    "a default of another type": (
        HEAD + "parameters: {a: {type: integer, default: many}}\n" + STEPS,
        ["4:42: a is a whole number, not 'many'"],
    ),
    "required and a default": (
        HEAD + "parameters: {a: {required: true, default: x}}\n" + STEPS,
        ["4:14: required and a default; leave one of them away"],
    ),
    "a type": (
        HEAD + "parameters: {a: {type: strnig}}\n" + STEPS,
        ["4:24: 'type' is 'strnig'; it must be 'string', 'integer', 'number', 'boolean', 'duration' or 'secret'; did you mean 'string'?"],
    ),
    "a strategy without settings": (
        HEAD + "strategy: rolling\n" + STEPS,
        ["4:11: 'rolling' is no strategy; 'all', 'one at a time', or one of rolling, canary, blue_green with its settings: {rolling: {batches: [1, 25%]}}"],
    ),
    "settings of a strategy": (
        HEAD + "strategy: {rolling: {batchs: [1], parallel: 0, max_failed: many}}\n" + STEPS,
        [
            "4:22: unknown key 'batchs'; allowed: parallel, max_failed, min_healthy, order, batches, pause; did you mean 'batches'?",
            "4:45: 'parallel' is '0'; it must be greater than or equal to 1",
            "4:60: 'many' is no number of failures; write a number of nodes or a percentage: 5%",
        ],
    ),
    "a key of a canary": (
        HEAD + "strategy: {canary: {gatez: [], gates: [{check: {tcp: 'a:1'}}]}}\n" + STEPS,
        ["4:21: unknown key 'gatez'; allowed: parallel, max_failed, min_healthy, order, stages, gates, hold, inconclusive; did you mean 'gates'?"],
    ),
    "a gate that does something": (
        HEAD + "strategy: {canary: {gates: [{run: ls}]}}\n" + STEPS,
        ["4:29: no run can stand here; one of check"],
    ),
    "steps beside blue and green": (
        HEAD + "strategy: {blue_green: {blue: name=a, green: name=b, up: [{run: a}], switch: [{run: a}], back: [{run: a}]}}\n" + STEPS,
        ["1:1: 'steps' or 'rollback' beside blue_green; write them as its up, switch, retire, back"],
    ),
    "a query of blue": (
        HEAD + "strategy: {blue_green: {blue: name=, green: 'name={{ node.name }}', up: [{run: a}], switch: [{run: a}], back: [{run: a}]}}\n",
        [
            "4:31: the query ends too early; expected a text in quotes or a value",
            "4:45: there is no {{ node.name }} yet; only parameters can stand here",
        ],
    ),
    "comparing without a rest": (
        HEAD + "steps:\n  - check: {logs: {pattern: ERROR, times_rest: 2}}\n",
        ["1:1: 'times_rest' outside of a gate; leave it away, or make the step a gate of a canary"],
    ),
    "no steps": (HEAD, ["1:1: a runbook that does nothing; write 'steps: [STEP…]'"]),
    "two checks in one": (
        HEAD + "steps:\n  - check: {tcp: 'a:1', query: x}\n",
        ["5:5: not one check; write one of command, http, tcp, query, logs"],
    ),
    "on_failure": (
        HEAD + STEPS + "on_failure: stpo\n",
        ["6:13: 'on_failure' is 'stpo'; it must be 'stop', 'continue', 'rollback' or 'ask'; did you mean 'stop'?"],
    ),
    "nothing to roll back with": (
        HEAD + STEPS + "on_failure: rollback\n",
        ["1:1: 'on_failure: rollback' without steps to roll back; write 'rollback: [STEP…]'"],
    ),
    "a name that is not the file's": (
        "runbook: y\nsummary: s\ntargets: kind=host\n" + STEPS,
        ["1:10: the runbook 'y' stands in x.yaml; name it 'x', or the file y.yaml"],
    ),
}  # fmt: skip

WHOLE = """
runbook: x
summary: Restart a service host by host
parameters:
  service: {type: string, required: true}
  count: {type: integer, default: 3, minimum: 1}
targets: "kind=host and service={{ service }}"
strategy: {rolling: {batches: [1, 25%, 100%], parallel: 8, max_failed: 5%, min_healthy: 50%, pause: 10s}}
steps:
  - {name: restart, run: "echo ${HOME}; systemctl restart {{ service }}", timeout: 60s, retries: 2}
  - {name: settled, wait: {query: "state=running", for: 30s, timeout: 5m}}
  - {name: clean, check: {logs: {pattern: "ERROR|FATAL", max: 3, window: 60s}}}
  - {name: seen, approve: {by: [sre], text: "look at the dashboard"}}
  - {name: told, notify: "{{ service }} is restarted"}
  - parallel: [{action: stop}, {run: "docker ps --format '{{.Names}}'", expect: [0, 1]}]
on_failure: stop
rollback: []
notifications: {failed: true}
"""


def _said(folder: Path, text: str) -> list[str]:
    file = folder / "x.yaml"
    file.write_text(text)
    with pytest.raises(EstateError) as raised:
        load_file(file)
    return [str(problem).removeprefix(f"{file}:") for problem in raised.value.problems]


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_said_with_its_place_and_what_is_allowed(tmp_path: Path, case: str) -> None:
    text, wanted = BROKEN[case]
    assert _said(tmp_path, text) == wanted


def test_everything_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    text = "runbook: y\nsummary: s\ntargets: 'kind=('\nsteps:\n  - {runn: ls}\n  - {run: '{{ a }}', timeout: 1x}\n"
    assert [line.split(": ")[0] for line in _said(tmp_path, text)] == ["3:10", "5:5", "6:11", "6:31"]


def test_a_whole_runbook_loads_and_commands_keep_their_own_variables(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(WHOLE)
    declared = load_file(tmp_path / "x.yaml").declared
    restart, settled = declared.steps[:2]
    assert isinstance(restart, RunStep)
    assert restart.run == "echo ${HOME}; systemctl restart {{ service }}"
    assert isinstance(settled, WaitStep)
    assert (settled.wait.for_, restart.retries) == ("30s", 2)


def test_a_name_that_there_is_none_of_is_answered_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "restart.yaml").write_text(HEAD.replace(": x", ": restart") + STEPS)
    estate = Estate("e", path=tmp_path / "estate.yaml")
    assert load(estate, "restart").name == "restart"
    with pytest.raises(UsageError, match="did you mean 'restart'"):
        load(estate, "restrat")


def test_values_are_held_against_their_parameters(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(WHOLE)
    declared = load_file(tmp_path / "x.yaml").declared.parameters
    assert check(declared, {"service": " web "}) == {"service": "web", "count": "3"}
    for given, said in (
        ({}, "service is needed; give -p service=…"),
        ({"service": "a", "cuont": "1"}, "there is no parameter 'cuont'; did you mean 'count'?"),
        ({"service": "a", "count": "0"}, "count is 0; at least 1"),
        ({"service": "a", "count": "x"}, "count is a whole number, not 'x'"),
    ):
        with pytest.raises(UsageError) as raised:
            check(declared, given)
        assert str(raised.value) == said


def _marked(text: str) -> list[str]:
    """What an editor marks in a file; editors read YAML as PyYAML does."""
    validator = jsonschema.Draft202012Validator(schema())
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


def test_the_schema_is_that_of_the_models_and_editors_accept_what_loads() -> None:
    printed = subprocess.check_output([sys.executable, "-m", "calmtui.runbooks.schema"], text=True)
    assert SCHEMA.read_text() == printed, "run `python -m calmtui.runbooks.schema > inventory/runbook.schema.json`"
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))
    assert _marked(WHOLE) == []


@pytest.mark.parametrize("case", ["a key misspelt", "a step misspelt", "a length of time", "on_failure", "a type"])
def test_an_editor_marks_what_the_program_refuses(case: str) -> None:
    assert _marked(BROKEN[case][0])
