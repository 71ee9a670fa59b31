"""People with aiortc's RTCPeerConnection in a worker's room, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from fractions import Fraction

import av
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack

from sfu import api
from sfu.core.sdp.layout import SlotMids
from sfu.negotiation import negotiate
from sfu.shell.worker import MediaWorker
from tests.netns.namespace import FIRST_ADDRESS

DEADLINE_S = 8.0


class Picture(MediaStreamTrack):
    """A small grey picture, 30 times a second."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / 30)
        frame = av.VideoFrame(width=64, height=48, format="yuv420p")
        for plane in frame.planes:
            plane.update(bytes([(self._count * 7) & 0xFF]) * plane.buffer_size)
        frame.pts, frame.time_base = self._count * 3000, Fraction(1, 90_000)
        self._count += 1
        return frame


def free_port(address: str = FIRST_ADDRESS) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
    return port


async def until(condition: Callable[[], bool]) -> None:
    """Poll with a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


def of_a_client(task: asyncio.Task[object] | None) -> bool:
    """Whether a task belongs to aiortc's peer connection and not to the worker."""
    return any(name in repr(task) for name in ("RTCPeerConnection", "RTCIceTransport", "aioice"))


class Caller:
    """A person's connection: sends a tone and a picture, and (or) takes one slot."""

    def __init__(self, name: str, *, sends: bool, takes: bool) -> None:
        self.name = name
        self.sends, self.takes = sends, takes
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.pc.on("track", lambda track: self.tracks.__setitem__(track.kind, track))

    async def connection(self, info: api.WorkerInfo) -> api.ConnectPeer:
        """Offer, answer, and the command that the worker needs for it."""
        if self.sends:
            self.pc.addTransceiver(AudioStreamTrack(), direction="sendonly")
            self.pc.addTransceiver(Picture(), direction="sendonly")
        if self.takes:
            self.pc.addTransceiver("audio", direction="recvonly")
            self.pc.addTransceiver("video", direction="recvonly")
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer, command = self._negotiate(info)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return command

    def _negotiate(self, info: api.WorkerInfo) -> tuple[str, api.ConnectPeer]:
        mids = [transceiver.mid for transceiver in self.pc.getTransceivers()]
        publish = {"microphone": mids[0], "camera": mids[1]} if self.sends else {}
        slots = [SlotMids(video=mids[-1], audio=mids[-2])] if self.takes else []
        sdp = self.pc.localDescription.sdp
        answer, connection = negotiate(self.name, sdp, publish, slots, info)  # type: ignore[arg-type]
        return answer, api.ConnectPeer("room", self.name, connection)

    async def join(self, worker: MediaWorker) -> None:
        command = await self.connection(worker.info)
        assert await worker.carry_out(command) == api.Done()

    async def receive(self, kind: str, count: int) -> list[object]:
        async with asyncio.timeout(DEADLINE_S):
            return [await self.tracks[kind].recv() for _ in range(count)]

    async def send_raw(self, data: bytes) -> None:
        """A datagram on the connection's own path."""
        dtls = self.pc.getTransceivers()[0].receiver.transport
        await dtls.transport._connection.send(data)
