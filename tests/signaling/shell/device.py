"""A device as a plain HTTP client of the running front."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import aiohttp
import msgspec

from tests.signaling.shell.clinic import ROOM, Clinic

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
PASSWORD = "0123456789abcdefghijkl"


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: str
    headers: Mapping[str, str]


def offer() -> str:
    """Enough of an offer for a plane that reads none."""
    return f"v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:{PASSWORD}\r\n"


def fragment(ufrag: str) -> str:
    """Credentials and candidates of a client."""
    return (
        "a=group:BUNDLE 0 1\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
        "a=mid:0\r\n"
        f"a=ice-ufrag:{ufrag}\r\n"
        f"a=ice-pwd:{PASSWORD}\r\n"
        "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
        "a=end-of-candidates\r\n"
    )


class Cart:
    """Remembers the address of the session that it opened."""

    def __init__(self, clinic: Clinic, token: str) -> None:
        self._clinic = clinic
        self.token = token
        self.location = ""

    async def request(
        self,
        method: str,
        path: str,
        data: str | AsyncIterator[bytes] = "",
        **headers: str,
    ) -> Reply:
        given = {"Authorization": f"Bearer {self.token}" if self.token else "", **headers}
        url = self._clinic.server.make_url(path)
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, data=data, headers=given) as response,
        ):
            return Reply(response.status, await response.text(), response.headers)

    async def post(
        self, way: str, *, room: str = ROOM, text: str = "", query: str = "", **headers: str
    ) -> Reply:
        given = {"Content-Type": SDP, **headers}
        reply = await self.request("POST", f"/{way}/{room}{query}", text or offer(), **given)
        self.location = reply.headers.get("Location", self.location)
        return reply

    def start_post(self, way: str) -> asyncio.Task[Reply]:
        return asyncio.create_task(self.post(way))

    async def post_chunks(self, way: str, count: int, chunk: bytes = b"x" * 1000) -> Reply:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(count):
                yield chunk

        return await self.request("POST", f"/{way}/{ROOM}", chunks(), **{"Content-Type": SDP})

    async def patch(self, text: str, **headers: str) -> Reply:
        return await self.request(
            "PATCH", self.location, text, **{"Content-Type": FRAGMENT, **headers}
        )

    async def delete(self) -> Reply:
        return await self.request("DELETE", self.location)

    @staticmethod
    def code(reply: Reply) -> tuple[int, str]:
        return reply.status, msgspec.json.decode(reply.body)["code"]
