"""A small HTTP server that speaks the part of Jenkins' remote access API that starts and follows builds.

As Jenkins documents it: builds are started by POST and answered with 201 and the item of the queue in `Location`;
items wait before they become builds; consoles are read from a byte on; crumbs belong to a session.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

JOB = "/job/shop/job/deploy"
CRUMB = "9ff9c7"


@dataclass
class Build:
    """A build, from its place in the queue on."""

    item: int
    parameters: dict[str, str]
    queued_at: float = field(default_factory=time.monotonic)
    number: int = 0
    result: str | None = None
    cancelled: bool = False
    log: bytes = b""


class Jenkins(ThreadingHTTPServer):
    """The server; entered, it answers. Tests set how it behaves and look at its `builds`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.builds: list[Build] = []
        self.quiet = 0.2
        """Seconds in the queue."""
        self.result = "SUCCESS"
        self.go = threading.Event()
        """Builds end once it is set."""
        self.go.set()
        self.errors = 0
        """So many of the next requests are answered with status 500, starts not."""
        self.forgets = False
        """Items that have left the queue are not known any more."""
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Jenkins:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def move_on(self) -> None:
        """What has come of the builds by now."""
        for build in self.builds:
            if not build.cancelled and not build.number and time.monotonic() - build.queued_at > self.quiet:
                build.number = 40 + build.item
                build.log = (
                    b"Started by user deployer\nversion " + build.parameters.get("VERSION", "?").encode() + b"\n"
                )
            if build.number and build.result is None and self.go.is_set():
                build.log += f"token {build.parameters.get('TOKEN', '')}\nFinished: {self.result}\n".encode()
                build.result = self.result


class _Handler(BaseHTTPRequestHandler):
    server: Jenkins
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        with self.server.lock:
            self._get()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with self.server.lock:
            self._post(dict(parse_qsl(body, keep_blank_values=True)))

    def _get(self) -> None:
        server, path = self.server, urlsplit(self.path)
        server.move_on()
        if self.headers.get("Authorization") != f"Basic {base64.b64encode(b'deployer:s3cret').decode()}":
            return self._answer(401)
        if server.errors:
            server.errors -= 1
            return self._answer(500, b"Oops!")
        if path.path == "/crumbIssuer/api/json":
            cookie = {"Set-Cookie": "JSESSIONID=node0abc; Path=/"}
            return self._json({"crumb": CRUMB, "crumbRequestField": "Jenkins-Crumb"}, cookie)
        if match := re.fullmatch(r"/queue/item/(\d+)/api/json", path.path):
            build = next((one for one in server.builds if one.item == int(match[1])), None)
            if build is None or (build.number and server.forgets):
                return self._answer(404)
            return self._json(
                {"id": build.item, "why": None if build.number else "In the quiet period", "cancelled": build.cancelled}
                | ({"executable": {"number": build.number, "url": "http://proxied.invalid/"}} if build.number else {})
            )
        if path.path == f"{JOB}/api/json":
            return self._json(
                {"builds": [{"number": one.number, "queueId": one.item} for one in server.builds if one.number]}
            )
        match = re.fullmatch(rf"{JOB}/(\d+)/(api/json|logText/progressiveText)", path.path)
        build = next((one for one in server.builds if match and one.number == int(match[1])), None)
        if match is None or build is None:
            return self._answer(404)
        if match[2] == "api/json":
            return self._json(
                {"building": build.result is None, "result": build.result, "displayName": f"#{build.number}"}
            )
        start = int(parse_qs(path.query)["start"][0])
        more = {"X-More-Data": "true"} if build.result is None else {}
        return self._answer(200, build.log[start:], {"X-Text-Size": str(len(build.log)), **more})

    def _post(self, form: dict[str, str]) -> None:
        server, path = self.server, urlsplit(self.path)
        server.move_on()
        if self.headers.get("Jenkins-Crumb") != CRUMB or "JSESSIONID" not in self.headers.get("Cookie", ""):
            return self._answer(403, b"<title>Error 403 No valid crumb was included in the request</title>")
        if path.path == f"{JOB}/buildWithParameters":
            server.builds.append(Build(len(server.builds) + 1, form))
            return self._answer(201, b"", {"Location": f"http://proxied.invalid/queue/item/{len(server.builds)}/"})
        if path.path == f"{JOB}/build":
            return self._answer(400)
        if path.path == "/queue/cancelItem":
            build = next(one for one in server.builds if one.item == int(parse_qs(path.query)["id"][0]))
            build.cancelled = not build.number
            return self._answer(204)
        if match := re.fullmatch(rf"{JOB}/(\d+)/stop", path.path):
            build = next(one for one in server.builds if one.number == int(match[1]))
            build.result, build.log = "ABORTED", build.log + b"Aborted by deployer\n"
            return self._answer(302, b"", {"Location": server.url})
        return self._answer(404)

    def _json(self, value: Any, headers: dict[str, str] | None = None) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Jenkins": "2.516", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
