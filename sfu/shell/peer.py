"""One peer of the worker: its ICE paths, its DTLS connection and its transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from sfu.core.description import Connection
from sfu.core.ice import LOST_S, Credentials, Health, IceAgent
from sfu.core.limits import DTLS, Bucket, CheckLimit
from sfu.shell.dtls import Certificate, Dtls, DtlsError
from sfu.shell.executor import Transport
from sfu.shell.paths import Endpoint, Path, Way
from sfu.shell.udp import Address

FIRST_CHECK_S = 30.0  # from the answer to the first check: a person may have to allow a firewall


class Peer:
    """Opened with the client's description; DTLS starts with the first authenticated check."""

    def __init__(
        self,
        peer_id: str,
        room: str,
        connection: Connection,
        certificate: Certificate,
        max_bitrate_bps: int,
        now: float,
    ) -> None:
        self.id = peer_id
        self.room = room
        self.connected = False
        self._opened_at = now
        self.ice: IceAgent[Path] = IceAgent(
            Credentials(connection.local_ufrag, connection.local_password), now
        )
        self.transport = Transport(peer_id, max_bitrate_bps, self._send_burst)
        self._connection = connection
        self._told_path: Path | None = None
        self.dtls = Dtls(certificate, connection.dtls_role, self._send)
        self.checks = CheckLimit(now)
        self.records = Bucket(DTLS, now)
        self._reachable = asyncio.Event()
        self._handshake: asyncio.Task[None] | None = None

    def start(self, connected: Callable[[Peer], None], lost: Callable[[Peer, str], None]) -> None:
        """Begin to wait for the client."""
        self._handshake = asyncio.create_task(self._connect(connected, lost))

    def continues(self, connection: Connection) -> bool:
        """Whether a new description is of the same PeerConnection: its certificate tells."""
        return connection.fingerprints == self._connection.fingerprints

    def update(self, connection: Connection) -> None:
        """A later description: more sections, or an ICE restart."""
        self.restart_ice(Credentials(connection.local_ufrag, connection.local_password))
        self._connection = connection
        for path in self.ice.paths():
            path.endpoint.claim(path.address, self._video_ssrcs())

    def restart_ice(self, local: Credentials) -> None:
        """New credentials of ours; the same ones again change nothing."""
        if local.ufrag != self.ice.local.ufrag:
            self.ice.restart(local)

    def checked(self, path: Path, ufrag: str, nominated: bool, now: float) -> None:
        for dropped in self.ice.receive_check(path, ufrag, nominated, now):
            self._forget(dropped)
        if path.endpoint.peers.get(path.address) is not self:
            path.endpoint.peers[path.address] = self
            path.endpoint.claim(path.address, self._video_ssrcs())
        self._reachable.set()

    def moved(self, path: Path, now: float) -> None:
        self.ice.receive_media(path, now)

    def cut(self, endpoint: Endpoint, address: Address) -> None:
        """This path does not exist any more."""
        path = Path(endpoint, address)
        self._forget(path)
        self.ice.drop(path)

    @property
    def on_stream(self) -> bool:
        """Whether what we send goes by TCP."""
        return self.ice.selected is not None and self.ice.selected.endpoint.is_stream

    def way_now(self) -> tuple[Way | Literal[""], bool]:
        """By what packets come, and whether the path is another than when this was asked last."""
        path, before = self.ice.selected, self._told_path
        self._told_path = path or before
        moved = path is not None and before is not None and path != before
        return ("" if path is None else path.endpoint.way(path.address)), moved

    def health(self, now: float) -> Health:
        """Before the first check a peer is good for `FIRST_CHECK_S`."""
        if not self._reachable.is_set():
            return Health.LOST if now - self._opened_at > FIRST_CHECK_S else Health.GOOD
        self.ice.heard_at = max(self.ice.heard_at, self.transport.heard_at)
        return self.ice.health(now, self._media_expected(now))

    def lost_reason(self, now: float) -> str:
        """Why the health is LOST: path or consent."""
        return "path" if not self._reachable.is_set() or self.ice.has_consent(now) else "consent"

    async def close(self) -> None:
        """Say goodbye and forget the paths."""
        if self._handshake is not None:
            self._handshake.cancel()
            await asyncio.gather(self._handshake, return_exceptions=True)
        await self.dtls.close()
        self.transport.srtp = None
        for path in self.ice.paths():
            if self._forget(path):
                path.endpoint.release(path.address)

    def _media_expected(self, now: float) -> bool:
        publisher = self.transport.publisher
        sources = publisher.by_ssrc.values() if publisher else ()
        return any(now - source.last_arrival < LOST_S for source in sources)

    def _forget(self, path: Path) -> bool:
        """Whether the path was still this peer's."""
        ours = path.endpoint.peers.get(path.address) is self
        if ours:
            del path.endpoint.peers[path.address]
        return ours

    def _video_ssrcs(self) -> tuple[int, ...]:
        video = [each for each in self._connection.sections if each.kind == "video" and each.sends]
        return tuple(ssrc for each in video for ssrc in (each.ssrc, each.rtx_ssrc) if ssrc)

    def _send(self, data: bytes) -> bool:
        path = self.ice.selected
        return path is not None and path.send(data)

    def _send_burst(self, datagrams: list[bytes]) -> int:
        path = self.ice.selected
        return path.send_burst(datagrams) if path is not None else 0

    async def _connect(
        self, connected: Callable[[Peer], None], lost: Callable[[Peer, str], None]
    ) -> None:
        await self._reachable.wait()
        try:
            self.transport.srtp = await self.dtls.handshake(self._connection.fingerprints)
        except DtlsError as error:
            lost(self, error.reason)
            return
        self.ice.finish_handshake(time.monotonic())
        self.dtls.when_closed(lambda: lost(self, "closed"))
        self.connected = True
        connected(self)
