"""What a playbook uses beside itself is found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from calmtui.errors import UsageError
from calmtui.runbooks.steps import playbook_files
from calmtui.runbooks.steps.playbook_files import used_by

SITE = """
- import_playbook: first.yaml
- hosts: all
  vars_files: [settings.yml]
  vars: {secret: !vault x}
  roles: [common, {role: special}]
  tasks:
    - include_tasks: more/tasks.yml
    - template: src=page.j2 dest=/etc/hosts
    - ansible.builtin.copy: {src: conf.d/, dest: /etc/conf.d}
    - include_vars: "{{ which }}.yml"
    - script: deploy now
    - debug: {msg: "the {{ token }} and more, the token; . and .. and ../ and nothing.yml, a notes"}
"""
USED = {
    "ansible.cfg": "[defaults]\nroles_path = ../shared:~/.roles:/usr/share/roles\n",
    "first.yaml": "- hosts: all\n  tasks: [{script: first.sh x}]\n",
    "first.sh": "",
    "settings.yml": "{broken: [",
    "roles/common/tasks/main.yml": "- include_tasks: other.yml\n",
    "roles/common/tasks/other.yml": "",
    "special/tasks/main.yml": "",
    "more/tasks.yml": "- include_tasks: beside.yml\n",
    "more/beside.yml": "",
    "page.j2": "",
    "deploy": "",
    "conf.d/one": "",
    "group_vars/all.yml": "",
    "filter_plugins/ours.py": "",
    "../shared/third/tasks/main.yml": "",
}
OTHERS = [
    "notes/mine", "token", "nothing.txt", "roles/common/.git/HEAD", "filter_plugins/__pycache__/ours.pyc", "site.retry",
]  # fmt: skip


def test_what_it_uses_is_found_and_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "estate" / "books"
    for name, text in {**USED, **dict.fromkeys(OTHERS, ""), "site.yaml": SITE}.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (home / "roles" / "round").symlink_to(home / "roles")
    found = {path.resolve() for path in used_by(home / "site.yaml")}
    assert found == {(home / name).resolve() for name in USED}


def test_too_many_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playbook_files, "MOST", 2)
    (tmp_path / "site.yaml").write_text("- hosts: all")
    (tmp_path / "files").mkdir()
    for name in "abc":
        (tmp_path / "files" / name).touch()
    with pytest.raises(UsageError, match="more than 2 files"):
        used_by(tmp_path / "site.yaml")
