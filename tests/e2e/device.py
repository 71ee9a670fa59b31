"""A device without a page: aiortc as a WHIP or WHEP client, with a colour and a tone of its own.

aiortc is the client because it is not ours; it decodes, so tests see the colour, hear the tone.
"""

from __future__ import annotations

import array
import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Literal

import aiohttp
import av
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpCodecCapability,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from tests.e2e.browsers.fakes import Colour, nearest

SDP = "application/sdp"
_FRAMES_PER_SECOND = 15
_SAMPLES = 960  # 20 ms at 48 kHz
_LOUD = 1000  # of 32767: quieter is silence or noise

Kind = Literal["audio", "video"]


class Picture(MediaStreamTrack):
    """A picture of one colour."""

    kind = "video"

    def __init__(self, colour: Colour) -> None:
        super().__init__()
        rgb = av.VideoFrame(320, 240, "rgb24")
        row = bytes((colour.red, colour.green, colour.blue)) * 320
        rgb.planes[0].update(row.ljust(rgb.planes[0].line_size, b"\0") * 240)
        self._frame = rgb.reformat(format="yuv420p")
        self._count = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / _FRAMES_PER_SECOND)
        frame = self._frame.reformat(width=320, height=240)
        frame.pts = self._count * 90_000 // _FRAMES_PER_SECOND
        frame.time_base = Fraction(1, 90_000)
        self._count += 1
        return frame


class Tone(MediaStreamTrack):
    """A loud note (440 Hz)."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(0.02)
        start = self._count * _SAMPLES
        samples = array.array(
            "h",
            (
                int(20_000 * math.sin(math.tau * 440 * n / 48_000))
                for n in range(start, start + _SAMPLES)
            ),
        )
        frame = av.AudioFrame(format="s16", layout="mono", samples=_SAMPLES)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        self._count += 1
        return frame


class Device:
    """One peer connection and the HTTP session that it has with the server."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, token: str, bundle: RTCBundlePolicy
    ) -> None:
        self._http = http
        self._url = url
        self._readers: list[asyncio.Task[None]] = []
        self.token = token
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=bundle))
        self.location = ""
        self.tag = ""
        self.colour = ""  # newest picture's
        self.frames = 0
        self.loud_frames = 0  # of sound
        self.pc.on("track", self._read)

    async def publish(
        self,
        room: str,
        colour: Colour | None,
        *,
        codec: str = "",
        rewrite: Callable[[str], str] = str,
    ) -> None:
        """Send a tone and, if there is a colour, a picture by WHIP."""
        self.pc.addTransceiver(Tone(), direction="sendonly")
        if colour is not None:
            video = self.pc.addTransceiver(Picture(colour), direction="sendonly")
            if codec:
                video.setCodecPreferences(_codecs(codec))
        await self._offer(f"/whip/{room}", rewrite)

    async def watch(
        self, room: str, kinds: Sequence[Kind] = ("audio", "video"), *, participant: str = ""
    ) -> None:
        """Receive by WHEP."""
        for kind in kinds:
            self.pc.addTransceiver(kind, direction="recvonly")
        query = f"?participant={participant}" if participant else ""
        await self._offer(f"/whep/{room}{query}", str)

    async def request(
        self, method: str, path: str, text: str = "", **headers: str
    ) -> tuple[int, str, Mapping[str, str]]:
        """(status, body, headers) of a request with our token."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Authorization": f"Bearer {self.token}", **given}
        async with self._http.request(
            method, f"{self._url}{path}", data=text.encode(), headers=given, ssl=False
        ) as response:
            return response.status, await response.text(), response.headers

    async def offer_again(self, room: str) -> tuple[int, str, Mapping[str, str]]:
        """The answer to another POST of the same offer."""
        offer = self.pc.localDescription.sdp
        return await self.request("POST", f"/whip/{room}", offer, Content_Type=SDP)

    async def close(self) -> None:
        await self.pc.close()
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _offer(self, path: str, rewrite: Callable[[str], str]) -> None:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        offer = rewrite(self.pc.localDescription.sdp)
        status, text, headers = await self.request("POST", path, offer, Content_Type=SDP)
        assert status == 201, (status, text)
        self.location, self.tag = headers["Location"], headers["ETag"]
        await self.pc.setRemoteDescription(RTCSessionDescription(text, "answer"))

    def _read(self, track: MediaStreamTrack) -> None:
        self._readers.append(asyncio.create_task(self._watch_track(track)))

    async def _watch_track(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self.frames += 1
                    self.colour = _colour_of(frame)
                elif isinstance(frame, av.AudioFrame):
                    samples = array.array("h", bytes(frame.planes[0]))
                    self.loud_frames += max(samples) > _LOUD
        except MediaStreamError:
            return


@asynccontextmanager
async def device(
    url: str, token: str, bundle: RTCBundlePolicy = RTCBundlePolicy.BALANCED
) -> AsyncIterator[Device]:
    """A device that is closed in the end."""
    async with aiohttp.ClientSession() as http:
        made = Device(http, url, token, bundle)
        try:
            yield made
        finally:
            await made.close()


def _codecs(name: str) -> list[RTCRtpCodecCapability]:
    known = RTCRtpSender.getCapabilities("video").codecs
    return [one for one in known if one.mimeType.lower() in (f"video/{name}".lower(), "video/rtx")]


def _colour_of(frame: av.VideoFrame) -> str:
    rgb = frame.reformat(width=8, height=8, format="rgb24")
    start = 4 * rgb.planes[0].line_size + 4 * 3
    red, green, blue = bytes(rgb.planes[0])[start : start + 3]
    return nearest(red, green, blue)
