"""What we are not: aiortc's MediaRelay between two connections, which decodes and encodes.

Run by test_codecs.py to see that the hook beside this file would notice a codec.
"""

from __future__ import annotations

import asyncio

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.contrib.media import MediaRelay
from aiortc.mediastreams import AudioStreamTrack

_PACKETS = 5


async def main() -> None:
    sender, receiver = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    heard = asyncio.Event()

    @receiver.on("track")
    async def listen(track: AudioStreamTrack) -> None:
        for _ in range(_PACKETS):
            await track.recv()
        heard.set()

    sender.addTrack(MediaRelay().subscribe(AudioStreamTrack()))
    await sender.setLocalDescription(await sender.createOffer())
    await receiver.setRemoteDescription(sender.localDescription)
    await receiver.setLocalDescription(await receiver.createAnswer())
    await sender.setRemoteDescription(receiver.localDescription)
    await heard.wait()
    await sender.close()
    await receiver.close()


asyncio.run(main())
