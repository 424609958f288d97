"""Stands between boto3 and moto and answers some requests as AWS would: moto neither throttles nor fails."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

Rule = Callable[[str, str], tuple[int, str, str] | None]
"""From region and action (`DescribeInstances`) to status, error code and message; None: moto answers."""

_BODY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{code}</Code>'
    "<Message>{message}</Message></Error></Errors><RequestID>9b1a7f4e-0001-4d3c-9df6-0c5a2f1e77aa</RequestID></Response>"
)
THROTTLED = (503, "RequestLimitExceeded", "Request limit exceeded.")
UNAUTHORIZED = (
    403,
    "UnauthorizedOperation",
    "You are not authorized to perform this operation. Encoded authorization failure message: " + "x" * 900,
)
CUT = (0, "", "")
"""The connection is closed without an answer."""
WRONG_KEY = (401, "AuthFailure", "AWS was not able to validate the provided access credentials")


class AwsProxy:
    """Used as a context manager; `rule` may be changed while it runs."""

    def __init__(self, upstream: str) -> None:
        self.rule: Rule = lambda region, action: None
        self.asked: Counter[tuple[str, str]] = Counter()
        """How often each action was asked for in each region."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                action = parse_qs(body.decode())["Action"][0]
                scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self.headers["Authorization"])
                region = scope[1] if scope else ""
                proxy.asked[region, action] += 1
                error = proxy.rule(region, action)
                if error is not None:
                    status, code, message = error
                    if error == CUT:
                        self.close_connection = True
                        return
                    self.answer(status, _BODY.format(code=code, message=message).encode())
                    return
                headers = {name: value for name, value in self.headers.items() if name != "Host"}
                request = urllib.request.Request(upstream + self.path, body, headers)
                try:
                    with urllib.request.urlopen(request, timeout=30) as response:
                        self.answer(response.status, response.read())
                except urllib.error.HTTPError as refused:
                    self.answer(refused.code, refused.read())

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Nothing on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> AwsProxy:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
