"""The seam to aiortc: its private names, and handshakes over a network that loses."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable

import pytest
from aiortc import rtcdtlstransport as upstream

from sfu.core.description import DtlsRole, Fingerprint
from sfu.shell import dtls
from sfu.shell.dtls import Certificate, Dtls, DtlsError
from sfu.shell.srtp import Srtp
from tests.sfu.shell.callers import until

RTP = b"\x80\x60\x00\x01" + bytes(8) + b"hello"
RTCP = b"\x80\xc9\x00\x01" + bytes(4)


class Side:
    """One end of a pair; `keep` decides which of its datagrams arrive (numbered from 0)."""

    def __init__(self, role: DtlsRole) -> None:
        self.certificate = Certificate()
        self.sent: list[bytes] = []
        self.keep: Callable[[int], bool] = lambda _: True
        self.other: Side | None = None
        self.dtls = Dtls(self.certificate, role, self._send)

    def _send(self, data: bytes) -> None:
        self.sent.append(data)
        if self.other is not None and self.keep(len(self.sent) - 1):
            self.other.dtls.receive(data)

    async def handshake(self) -> Srtp:
        assert self.other is not None
        return await self.dtls.handshake([self.other.certificate.fingerprint])


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Side, Side]]:
    """(client, server)."""
    before = asyncio.all_tasks()
    client, server = Side("client"), Side("server")
    client.other, server.other = server, client
    yield client, server
    await client.dtls.close()
    await server.dtls.close()
    assert asyncio.all_tasks() - before - {asyncio.current_task()} == set(), "no task survives"


def test_aiortc_has_every_private_name_that_the_seam_uses() -> None:
    transport = upstream.RTCDtlsTransport
    for name in ("_set_role", "_set_state", "start", "stop", "state", "_do_handshake"):
        assert hasattr(transport, name), name
    assert list(inspect.signature(transport._set_role).parameters) == ["self", "role"]
    created = Certificate().upstream
    made = transport(object(), [created])  # type: ignore[arg-type]
    assert made.state == "new"
    assert made.encrypted is False
    assert made._ssl is None
    assert made._task is None
    assert made._srtp_profiles is upstream.SRTP_PROFILES
    assert callable(made.on)
    assert callable(made.remove_all_listeners)
    assert upstream.SSL.Error.__name__ == "Error"  # type: ignore[attr-defined]
    assert upstream.RTCDtlsParameters([upstream.RTCDtlsFingerprint("a", "b")]).fingerprints


def test_aiortc_offers_the_srtp_profiles_that_we_prefer() -> None:
    names = {profile.openssl_profile.decode() for profile in upstream.SRTP_PROFILES}
    assert set(dtls.PREFERRED) <= names


def test_aiortc_reads_and_writes_through_the_two_methods_that_we_give_it() -> None:
    source = inspect.getsource(upstream.RTCDtlsTransport)
    used = {word for word in ("_recv", "_send") if f"self.transport.{word}(" in source}
    assert used == {"_recv", "_send"}


def test_a_fingerprint_is_written_as_sdp_wants_it() -> None:
    found = Certificate().fingerprint
    assert found.algorithm == "sha-256"
    assert len(found.value) == 95
    assert found.value == found.value.upper()


async def test_both_ends_get_matching_keys(pair: tuple[Side, Side]) -> None:
    ours, theirs = await asyncio.gather(*(side.handshake() for side in pair))
    assert theirs.unprotect(ours.protect(RTP)) == RTP
    assert ours.unprotect(theirs.protect(RTP)) == RTP
    assert theirs.unprotect_rtcp(ours.protect_rtcp(RTCP)) == RTCP
    assert type(ours).__name__ == "AeadGcmSrtp", "the first of the preferred profiles"


async def test_a_client_without_gcm_gets_the_older_profile(pair: tuple[Side, Side]) -> None:
    client, _ = pair
    transport = vars(client.dtls)["_transport"]
    transport._srtp_profiles = transport._srtp_profiles[1:]
    ours, theirs = await asyncio.gather(*(side.handshake() for side in pair))
    assert type(ours).__name__ == type(theirs).__name__ == "LibSrtp"
    assert theirs.unprotect(ours.protect(RTP)) == RTP


async def test_without_a_common_srtp_profile_there_is_no_connection(
    pair: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dtls, "HANDSHAKE_TIMEOUT_S", 0.3)
    client, server = pair
    vars(client.dtls)["_transport"]._srtp_profiles = upstream.SRTP_PROFILES[:1]
    vars(server.dtls)["_transport"]._srtp_profiles = upstream.SRTP_PROFILES[1:]
    results = await asyncio.gather(client.handshake(), server.handshake(), return_exceptions=True)
    assert [getattr(result, "reason", "") for result in results] == ["dtls", "dtls"]


@pytest.mark.parametrize("wrong", [0, 1])
async def test_a_wrong_fingerprint_is_told_as_such(pair: tuple[Side, Side], wrong: int) -> None:
    other = [Fingerprint("sha-256", ":".join(["AB"] * 32))]
    honest = asyncio.create_task(pair[1 - wrong].handshake())
    with pytest.raises(DtlsError, match="fingerprint"):
        await pair[wrong].dtls.handshake(other)
    honest.cancel()
    await asyncio.gather(honest, return_exceptions=True)


@pytest.mark.parametrize("fingerprints", [[], [Fingerprint("md2", "AB")]])
async def test_without_a_usable_fingerprint_nobody_is_trusted(
    pair: tuple[Side, Side], fingerprints: list[Fingerprint]
) -> None:
    client, server = pair
    other = asyncio.create_task(client.handshake())
    with pytest.raises(DtlsError, match="fingerprint"):
        await server.dtls.handshake(fingerprints)
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)


async def test_a_peer_that_stays_silent_is_given_up(
    pair: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dtls, "HANDSHAKE_TIMEOUT_S", 0.05)
    client, _ = pair
    client.keep = lambda _: False
    with pytest.raises(DtlsError, match="dtls"):
        await client.handshake()


async def test_a_lost_first_flight_is_sent_again_long_before_openssl_would(
    pair: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dtls, "RESEND_S", (0.02, 0.02, 0.02))
    client, server = pair
    client.keep = lambda number: number > 0
    async with asyncio.timeout(0.8):
        await asyncio.gather(client.handshake(), server.handshake())
    assert client.sent[1] == client.sent[0], "verbatim"


@pytest.mark.parametrize("lost", range(3))
async def test_any_lost_flight_of_the_server_is_survived(
    pair: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    monkeypatch.setattr(dtls, "RESEND_S", (0.05,) * 10)
    client, server = pair
    server.keep = lambda number: number != lost
    async with asyncio.timeout(3):
        await asyncio.gather(client.handshake(), server.handshake())


async def test_a_goodbye_is_heard_once_by_the_other_end(pair: tuple[Side, Side]) -> None:
    client, server = pair
    await asyncio.gather(client.handshake(), server.handshake())
    heard: list[str] = []
    server.dtls.when_closed(lambda: heard.append("closed"))
    await client.dtls.close()
    await until(lambda: bool(heard))
    await client.dtls.close()
    await server.dtls.close()
    assert heard == ["closed"]


async def test_our_own_goodbye_is_not_told_to_us(pair: tuple[Side, Side]) -> None:
    client, server = pair
    await asyncio.gather(client.handshake(), server.handshake())
    heard: list[str] = []
    client.dtls.when_closed(lambda: heard.append("closed"))
    await client.dtls.close()
    await asyncio.sleep(0)
    assert heard == []


async def test_rubbish_among_the_datagrams_does_not_end_a_connection(
    pair: tuple[Side, Side],
) -> None:
    client, server = pair
    for data in (b"\x16", b"\x16\xfe\xfd" + bytes(40), b"\x14" * 1500):
        server.dtls.receive(data)
    await asyncio.gather(client.handshake(), server.handshake())
    heard: list[str] = []
    server.dtls.when_closed(lambda: heard.append("closed"))
    for data in (b"\x17\xfe\xfd" + bytes(1400), b"\x15\xfe\xfd\x00\x01" + bytes(10)):
        server.dtls.receive(data)
    await asyncio.sleep(0.02)
    assert heard == []


async def test_a_flood_before_the_handshake_is_dropped_and_costs_no_memory() -> None:
    side = Side("server")
    for _ in range(10_000):
        side.dtls.receive(b"\x16" * 100)
    assert vars(side.dtls)["_inbox"].qsize() == dtls.QUEUE_DATAGRAMS
