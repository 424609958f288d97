"""A real Kubernetes cluster of one node, with an admin and a read-only viewer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Any

from tests.lab.place import KUBE_BINARIES, LAB, await_end, need_root, script, unavailable


class Kube:
    """Kubernetes v1.20; pods run in the lab's Docker engine. Context `lab` in both kubeconfigs."""

    def __init__(self) -> None:
        need_root()
        if "KUBEBUILDER_ASSETS" not in os.environ and not (KUBE_BINARIES / "kube-apiserver.xz").exists():
            unavailable("no Kubernetes binaries: set KUBEBUILDER_ASSETS or KUBE_BINARIES (see tests/lab/README.md)")
        self.kubeconfig = LAB / "kube" / "config"
        self.viewer_kubeconfig = LAB / "kube" / "config-viewer"

    def start(self) -> Kube:
        """Start what is not running; returns when the node is ready."""
        script("kube-up")
        return self

    start_api = start
    """Bring the API server back after `kill_api`."""

    def kill_api(self) -> None:
        """The API server dies at once (SIGKILL)."""
        await_end(self.signal_api(signal.SIGKILL))

    def signal_api(self, number: signal.Signals) -> int:
        """Send a signal to the API server, such as SIGSTOP; its process id."""
        pid = int((LAB / "kube-apiserver.pid").read_text())
        os.kill(pid, number)
        return pid

    def down(self) -> None:
        """End the cluster."""
        script("down", "kube")

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl prints, as admin."""
        argv = ["kubectl", "--kubeconfig", str(self.kubeconfig), *args]
        done = subprocess.run(argv, check=False, text=True, capture_output=True, input=stdin, timeout=120)
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(args)}: {done.stderr}")
        return done.stdout.strip()

    def get(self, *args: str) -> dict[str, Any]:
        """An object as kubectl has it."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *args, "-o", "json"))
        return found

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or alter objects."""
        self.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


def pod_spec(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod's spec that this cluster can run: no network of its own, the imported image."""
    each = [{"name": "main", "command": ["sleep", "2147483647"], **container} for container in containers or ({},)]
    for container in each:
        container |= {"image": container.get("image", "lab:latest"), "imagePullPolicy": "Never"}
    return {
        "hostNetwork": True,
        "dnsPolicy": "Default",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "containers": each,
        **more,
    }
