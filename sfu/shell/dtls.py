"""The one seam to aiortc: DTLS handshakes of peers, and nothing else of it.

aiortc's `RTCDtlsTransport` needs only `_recv` and `_send` of its transport; this class gives them,
adds what it lacks (an overall timeout, quick retransmission of the last flight, the choice of SRTP
profiles) and exports the keys for our own SRTP. The private names used here are pinned by a
contract test. A DTLS connection is one-shot: a new one is a new object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import rtcdtlstransport as upstream

from sfu.core.description import DtlsRole, Fingerprint
from sfu.shell.srtp import PROFILES, Srtp, make_srtp

HANDSHAKE_TIMEOUT_S = 15.0
RESEND_S = (0.1, 0.2, 0.4)  # LiveKit: 100 ms instead of OpenSSL's 1 s
QUEUE_DATAGRAMS = 32
PREFERRED = ("SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80")
EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764 4.2


class DtlsError(Exception):
    """The handshake failed; `reason` is dtls (broken or too slow) or fingerprint."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Certificate:
    """Our DTLS identity, for one worker's life (30 days at most; browsers do not check dates)."""

    def __init__(self) -> None:
        self.upstream = upstream.RTCCertificate.generateCertificate()

    @property
    def fingerprint(self) -> Fingerprint:
        """sha-256, the one that every browser takes."""
        found = next(f for f in self.upstream.getFingerprints() if f.algorithm == "sha-256")
        return Fingerprint(found.algorithm, found.value)


class Dtls:
    """One peer's DTLS connection over whatever `send` reaches."""

    role = "auto"  # read by aiortc for statistics only

    def __init__(
        self, certificate: Certificate, role: DtlsRole, send: Callable[[bytes], object]
    ) -> None:
        self._role = role
        self._send_datagram = send
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_DATAGRAMS)
        self._flight: list[bytes] = []
        self._answered = False
        self._transport: Any = upstream.RTCDtlsTransport(self, [certificate.upstream])  # type: ignore[arg-type]
        self._transport._set_role(role)
        self._transport._srtp_profiles = [
            profile
            for name in PREFERRED
            for profile in upstream.SRTP_PROFILES
            if profile.openssl_profile.decode() == name
        ]

    def receive(self, data: bytes) -> None:
        """A DTLS datagram from the peer; too many unread ones are dropped.

        So is what is none by its first byte (RFC 7983): aiortc would take it for SRTP of its own.
        """
        if data and 19 < data[0] < 64 and not self._inbox.full():
            self._inbox.put_nowait(data)

    async def handshake(self, fingerprints: Sequence[Fingerprint]) -> Srtp:
        """Agree on keys with the holder of one of the certificates. Raises DtlsError."""
        parameters = upstream.RTCDtlsParameters(
            fingerprints=[upstream.RTCDtlsFingerprint(f.algorithm, f.value) for f in fingerprints]
        )
        if not parameters.fingerprints:
            raise DtlsError("fingerprint")
        resending = asyncio.create_task(self._resend())
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                await self._transport.start(parameters)
        except (TimeoutError, upstream.SSL.Error):  # type: ignore[attr-defined]
            raise DtlsError("dtls") from None
        finally:
            resending.cancel()
            await asyncio.gather(resending, return_exceptions=True)
        if self._transport.state != "connected":
            raise DtlsError("fingerprint" if self._has_srtp_profile() else "dtls")
        return self._make_srtp()

    def when_closed(self, callback: Callable[[], None]) -> None:
        """Call back once when the peer has said goodbye (close_notify)."""

        def changed() -> None:
            if self._transport.state == "closed":
                callback()

        self._transport.on("statechange", changed)

    async def close(self) -> None:
        """Say goodbye and stop reading; may be called twice."""
        self._transport.remove_all_listeners()
        reading = self._transport._task
        await self._transport.stop()
        if reading is not None:
            await asyncio.gather(reading, return_exceptions=True)

    def _has_srtp_profile(self) -> bool:
        return self._transport.encrypted and bool(self._transport._ssl.get_selected_srtp_profile())

    def _make_srtp(self) -> Srtp:
        connection = self._transport._ssl
        name = connection.get_selected_srtp_profile().decode()
        size = PROFILES[name].keying_material_bytes
        material = connection.export_keying_material(EXPORTER_LABEL, size)
        return make_srtp(name, material, self._role == "client")

    async def _resend(self) -> None:
        for wait_s in RESEND_S:
            await asyncio.sleep(wait_s)
            if self._answered:
                continue
            for datagram in self._flight:
                self._send_datagram(datagram)

    # what aiortc calls

    async def _recv(self) -> bytes:
        data = await self._inbox.get()
        self._answered = True
        return data

    async def _send(self, data: bytes) -> None:
        if self._answered:
            self._flight.clear()
            self._answered = False
        self._flight.append(data)
        self._send_datagram(data)
