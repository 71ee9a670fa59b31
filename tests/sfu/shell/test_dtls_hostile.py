"""What reaches the DTLS seam from strangers: OpenSSL is real, the datagrams are not.

Whatever comes, a handshake ends with keys or with `DtlsError`, and no task is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from sfu.core.description import Fingerprint
from sfu.shell import dtls
from sfu.shell.dtls import DtlsError
from sfu.shell.srtp import Srtp
from tests.hostile import examples, mutated
from tests.sfu.shell.callers import until
from tests.sfu.shell.test_dtls import RTCP, RTP, Side

NOT_DTLS = [b"", RTP, RTCP, b"\x00\x01" + bytes(18), b"\x40" * 100, b"\x13" * 3]
ALERTS = [b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02" + bytes((2, code)) for code in (0, 40, 80)]


def joined() -> tuple[Side, Side]:
    client, server = Side("client"), Side("server")
    client.other, server.other = server, client
    return client, server


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Side, Side]]:
    """(client, server) that have shaken hands."""
    client, server = joined()
    await asyncio.gather(client.handshake(), server.handshake())
    yield client, server
    await client.dtls.close()
    await server.dtls.close()


async def read(side: Side) -> None:
    """Wait until the side has read all that it was given."""
    async with asyncio.timeout(3):
        while vars(side.dtls)["_inbox"].qsize():
            await asyncio.sleep(0)
    await asyncio.sleep(0)


async def first_flight() -> bytes:
    client = Side("client")
    shaking = asyncio.create_task(client.dtls.handshake([client.certificate.fingerprint]))
    await until(lambda: bool(client.sent))
    shaking.cancel()
    await asyncio.gather(shaking, return_exceptions=True)
    await client.dtls.close()
    return client.sent[0]


async def recorded() -> list[bytes]:
    """Every datagram of a handshake, both ways, and the goodbye."""
    client, server = joined()
    await asyncio.gather(client.handshake(), server.handshake())
    await client.dtls.close()
    await server.dtls.close()
    return client.sent + server.sent


GOLDEN = asyncio.run(recorded())


@pytest.mark.parametrize("data", NOT_DTLS)
async def test_what_is_no_dtls_never_reaches_the_handshake(data: bytes) -> None:
    client, server = joined()
    server.dtls.receive(data)
    client.dtls.receive(data)
    ours, theirs = await asyncio.gather(client.handshake(), server.handshake())
    assert theirs.unprotect(ours.protect(RTP)) == RTP
    for side in (client, server):
        side.dtls.receive(data)
        assert vars(side.dtls)["_inbox"].qsize() == 0
        await side.dtls.close()


async def shake(server: Side, client: Side) -> tuple[Srtp | BaseException, Srtp | BaseException]:
    return await asyncio.gather(client.handshake(), server.handshake(), return_exceptions=True)


@examples(60)
@given(st.lists(mutated(GOLDEN, max_bytes=1_500), max_size=6), st.booleans())
def test_changed_records_before_the_handshake_end_in_keys_or_a_reason(
    records: list[bytes], to_client: bool
) -> None:
    async def run() -> tuple[Srtp | BaseException, Srtp | BaseException]:
        client, server = joined()
        for record in records:
            (client if to_client else server).dtls.receive(record)
        results = await shake(server, client)
        await client.dtls.close()
        await server.dtls.close()
        return results

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dtls, "HANDSHAKE_TIMEOUT_S", 0.1)
        patch.setattr(dtls, "RESEND_S", (0.01, 0.02))
        results = asyncio.run(run())
    for result in results:
        if isinstance(result, BaseException):
            assert isinstance(result, DtlsError)
            assert result.reason in ("dtls", "fingerprint")
    if not any(isinstance(result, BaseException) for result in results):
        ours, theirs = results
        assert theirs.unprotect(ours.protect(RTP)) == RTP  # type: ignore[union-attr]


@examples(60)
@given(st.lists(mutated([*GOLDEN, *ALERTS], max_bytes=1_500), max_size=8))
def test_changed_records_after_the_handshake_change_nothing(records: list[bytes]) -> None:
    async def run() -> list[str]:
        client, server = joined()
        await asyncio.gather(client.handshake(), server.handshake())
        heard: list[str] = []
        for side in (client, server):
            side.dtls.when_closed(lambda: heard.append("closed"))
            for record in records:
                side.dtls.receive(record)
            await read(side)
        before = list(heard)
        await client.dtls.close()
        await until(lambda: len(heard) > len(before))
        await server.dtls.close()
        return before

    assert asyncio.run(run()) == []


async def test_a_hello_of_another_client_before_ours_ends_in_keys_or_a_reason() -> None:
    client, server = joined()
    server.dtls.receive(await first_flight())
    client_side = asyncio.create_task(client.handshake())
    try:
        await asyncio.wait_for(server.handshake(), 3)
    except DtlsError as error:
        assert error.reason == "dtls"
    client_side.cancel()
    await asyncio.gather(client_side, return_exceptions=True)
    await client.dtls.close()
    await server.dtls.close()


async def test_a_hello_in_the_middle_of_a_handshake_is_not_minded() -> None:
    client, server = joined()
    hello = await first_flight()
    begun = server.dtls.receive
    seen: list[bytes] = []

    def receive(data: bytes) -> None:
        begun(data)
        if not seen:
            begun(hello)
        seen.append(data)

    vars(server.dtls)["receive"] = receive
    ours, theirs = await asyncio.gather(client.handshake(), server.handshake())
    assert theirs.unprotect(ours.protect(RTP)) == RTP
    await client.dtls.close()
    await server.dtls.close()


async def test_a_hello_after_the_handshake_renegotiates_nothing(pair: tuple[Side, Side]) -> None:
    client, server = pair
    heard: list[str] = []
    server.dtls.when_closed(lambda: heard.append("closed"))
    for _ in range(5):
        server.dtls.receive(await first_flight())
        await read(server)
    transport = vars(client.dtls)["_transport"]
    transport._ssl.renegotiate()
    with pytest.raises(SSL.WantReadError):
        transport._ssl.do_handshake()
    server.dtls.receive(transport._ssl.bio_read(1_500))
    await read(server)
    assert heard == []
    assert not vars(server.dtls)["_transport"]._ssl.renegotiate_pending()


async def test_what_a_peer_sends_over_dtls_itself_is_dropped(pair: tuple[Side, Side]) -> None:
    client, server = pair
    heard: list[str] = []
    server.dtls.when_closed(lambda: heard.append("closed"))
    for _ in range(100):
        await vars(client.dtls)["_transport"]._send_data(b"x" * 1_000)
        await read(server)
    assert heard == []


async def test_a_client_without_a_certificate_is_refused() -> None:
    server = Side("server")
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
    context.set_tlsext_use_srtp(b"SRTP_AEAD_AES_128_GCM")
    stranger = SSL.Connection(context)
    stranger.set_connect_state()
    shaking = asyncio.create_task(
        server.dtls.handshake([Fingerprint("sha-256", ":".join(["AB"] * 32))])
    )
    taken = 0
    while not shaking.done():
        with contextlib.suppress(SSL.Error):
            stranger.do_handshake()
        with contextlib.suppress(SSL.Error):
            server.dtls.receive(stranger.bio_read(1_500))
        await asyncio.sleep(0.001)
        for data in server.sent[taken:]:
            stranger.bio_write(data)
        taken = len(server.sent)
    with pytest.raises(DtlsError, match="dtls"):
        await shaking
    await server.dtls.close()


async def test_datagrams_that_are_read_but_not_answered_are_not_answered_by_old_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dtls, "RESEND_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(dtls, "HANDSHAKE_TIMEOUT_S", 0.1)
    server = Side("server")
    server.dtls.receive(b"\x16\xfe\xfd" + bytes(40))
    with pytest.raises(DtlsError, match="dtls"):
        await server.dtls.handshake([server.certificate.fingerprint])
    assert server.sent == []
    await server.dtls.close()


async def test_only_the_end_of_a_connection_is_told_as_its_end() -> None:
    client, server = joined()
    heard: list[str] = []
    server.dtls.when_closed(lambda: heard.append("closed"))
    await asyncio.gather(client.handshake(), server.handshake())
    assert heard == []
    await client.dtls.close()
    await until(lambda: bool(heard))
    await server.dtls.close()


async def test_a_flight_that_waits_for_its_answer_does_not_grow(pair: tuple[Side, Side]) -> None:
    _, server = pair
    for record in GOLDEN * 20:
        server.dtls.receive(record)
        await read(server)
    assert len(vars(server.dtls)["_flight"]) <= len(GOLDEN)
