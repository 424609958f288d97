"""Jenkins' remote access API, as far as it takes to start a build and to follow it.

Addresses that Jenkins tells are used for their numbers only: behind a proxy they may name another host, to which
the token must not go.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

from calmtui.errors import AuthFailed, CalmError, OutcomeUnknown, Unreachable, UsageError

ANSWER_SECONDS = 30.0
"""That Jenkins has for one answer."""
PATIENCE = 300.0
"""Seconds for which it may not answer, or answer with errors of its own, while a build is followed."""
PAUSE = 1.0
"""Seconds before it is asked again where it did not answer; twice as many each time, `LONGEST_PAUSE` at the most."""
LONGEST_PAUSE = 20.0
BUILDS = 200
"""How many of the latest builds are looked through for one."""


class Jenkins:
    """One job of a Jenkins. Entered, it may be asked."""

    def __init__(self, url: str, job: str, user: str, token: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(
                f"{url!r} is no http address", next_step="write the address of Jenkins: https://ci.example"
            )
        self.url = url.rstrip("/")
        self.job = self.url + "".join(f"/job/{quote(part, safe='')}" for part in job.split("/") if part)
        """The address of the job; its folders are before it in its name."""
        self._user, self._token = user, token
        self._crumb: dict[str, str] = {}
        self._session: Any = None

    async def __aenter__(self) -> Jenkins:
        import aiohttp

        headers = {"Authorization": aiohttp.encode_basic_auth(self._user, self._token)} if self._user else {}
        self._session = aiohttp.ClientSession(
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # a crumb holds with its cookie, by an IP address too
            trust_env=True,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def build_url(self, number: int) -> str:
        """Where people look at a build."""
        return f"{self.job}/{number}/"

    async def start(self, parameters: Mapping[str, str]) -> int:
        """Have the job built; the number of the item in the queue.

        Raises OutcomeUnknown where it may have been started all the same, CalmError where it surely was not.
        """
        status, headers, _ = await self._post(
            f"{self.job}/{'buildWithParameters' if parameters else 'build'}", parameters
        )
        if status == 201 and (item := re.search(r"/queue/item/(\d+)", headers.get("Location", ""))):
            return int(item[1])
        if status in (200, 201, 302, 303) or (status >= 500 and status != 503):
            raise OutcomeUnknown(f"Jenkins answered with status {status} and named no item", where=self.job,
                                 next_step="look whether the job was started")  # fmt: skip
        raise self._refusal(status)

    async def queued(self, item: int) -> dict[str, Any] | None:
        """An item of the queue; None when it is not known any more, some minutes after it was begun."""
        return await self._json(f"{self.url}/queue/item/{item}/api/json")

    async def build_of(self, item: int) -> int | None:
        """The number of the build that an item of the queue has become; None when there is none."""
        found = await self._json(f"{self.job}/api/json?tree=builds[number,queueId]{{0,{BUILDS}}}")
        builds = (found or {}).get("builds", ())
        return next((int(build["number"]) for build in builds if build.get("queueId") == item), None)

    async def build(self, number: int) -> dict[str, Any] | None:
        """How a build stands: `building`, `result`; None when there is no such build."""
        return await self._json(f"{self.job}/{number}/api/json?tree=building,result,displayName")

    async def log(self, number: int, start: int) -> tuple[bytes, int, bool]:
        """What a build has printed from a byte on, from where to go on, and whether more may come."""
        url = f"{self.job}/{number}/logText/progressiveText?start={start}"
        status, headers, body = await self._patiently(url)
        if status != 200:
            raise self._refusal(status)
        return body, int(headers.get("X-Text-Size", start + len(body))), headers.get("X-More-Data") == "true"

    async def stop(self, number: int) -> bool:
        """Stop a build; whether Jenkins has taken that."""
        return (await self._post(f"{self.job}/{number}/stop", {}))[0] < 400

    async def cancel(self, item: int) -> bool:
        """Take an item out of the queue; whether Jenkins has taken that."""
        status = (await self._post(f"{self.url}/queue/cancelItem?id={item}", {}))[0]
        return status < 400 or status == 404  # it tells nothing of use after it has done so (JENKINS-21311)

    # -- asking --------------------------------------------------------------------

    async def _json(self, url: str) -> dict[str, Any] | None:
        status, _, body = await self._patiently(url)
        if status == 404:
            return None
        if status != 200:
            raise self._refusal(status)
        try:
            found: dict[str, Any] = json.loads(body)
        except ValueError:
            raise CalmError("the answer is no JSON; is it Jenkins?", where=url) from None
        return found

    async def _patiently(self, url: str) -> tuple[int, Mapping[str, str], bytes]:
        """The answer to a GET, asked for again while Jenkins is away or in trouble. Raises OutcomeUnknown."""
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), PAUSE
        while True:
            trouble = ""
            try:
                answer = await self._ask("GET", url)
                if answer[0] < 500:
                    return answer
                trouble = f"status {answer[0]}"
            except (Unreachable, OutcomeUnknown) as error:
                trouble = error.what
            if loop.time() - began > PATIENCE:
                raise OutcomeUnknown(f"Jenkins cannot be asked: {trouble}", where=url, next_step="look there yourself")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """The answer to a POST, with a crumb where Jenkins wants one: without, it has done nothing."""
        answer = await self._ask("POST", url, form)
        if answer[0] == 403 and b"crumb" in answer[2].lower():
            crumb = await self._json(f"{self.url}/crumbIssuer/api/json")
            if crumb is not None:
                self._crumb = {str(crumb["crumbRequestField"]): str(crumb["crumb"])}
                answer = await self._ask("POST", url, form)
        return answer

    async def _ask(
        self, method: str, url: str, form: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        import aiohttp

        headers = self._crumb if method == "POST" else {}
        try:
            async with self._session.request(method, url, data=form, headers=headers, allow_redirects=False) as answer:
                return answer.status, answer.headers, await answer.read()
        except aiohttp.ClientConnectorError as error:
            what = f"Jenkins does not answer: {error.os_error.strerror or error.os_error}"
            raise Unreachable(what, where=self.url, next_step="mend 'url', or have Jenkins started") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = f"Jenkins did not answer to the end: {error or type(error).__name__}"
            raise OutcomeUnknown(what, where=url) from None

    def _refusal(self, status: int) -> CalmError:
        match status:
            case 400:
                return CalmError("Jenkins takes no such build", where=self.job,
                                 next_step="give the job the 'parameters' that it wants, or none")  # fmt: skip
            case 401 | 403:
                return AuthFailed(f"Jenkins refuses it (status {status})", where=self.job,
                                  next_step="look at 'user' and 'token', and at what that user may do")  # fmt: skip
            case 404:
                return CalmError("there is no such job, or it is not to be seen", where=self.job,
                                 next_step="mend 'job': the folders, then the name, with / in between")  # fmt: skip
        return CalmError(f"Jenkins answered with status {status}", where=self.job)
