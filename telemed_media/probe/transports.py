"""Datagrams to the media server over UDP, ICE-TCP (RFC 6544) and TURN over TLS (RFC 8656).

`open_…` connects within the caller's timeout and raises OSError, or EOFError when the other side
hangs up. What arrives goes to `receive`.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from sfu.core.stream.framing import frame
from sfu.core.turn.message import Address, Attribute, Class, Message, Method, build, pack_address
from sfu.core.turn.message import parse as parse_stun

Receive = Callable[[bytes], None]
_STUN_HEADER_BYTES = 20
_UDP_PROTOCOL = b"\x11\x00\x00\x00"  # REQUESTED-TRANSPORT (RFC 8656 section 18.8)


class Channel(Protocol):
    """A way to the media server."""

    def send(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


class TurnServer(msgspec.Struct, frozen=True):
    """A `turns:` server with a credential of its own."""

    host: str
    port: int
    username: str
    password: str


async def open_udp(server: Address, receive: Receive) -> Channel:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(receive), remote_addr=(server.host, server.port)
    )
    return _Udp(transport)


async def open_ice_tcp(server: Address, receive: Receive) -> Channel:
    reader, writer = await asyncio.open_connection(server.host, server.port)

    async def read() -> None:
        receive(await reader.readexactly(int.from_bytes(await reader.readexactly(2))))

    return _Stream(writer, read, frame)


async def open_turn(
    turn: TurnServer, trust: ssl.SSLContext, peer: Address, receive: Receive
) -> Channel:
    """A relayed way to `peer`. Raises PermissionError when the relay refuses."""
    reader, writer = await asyncio.open_connection(turn.host, turn.port, ssl=trust)
    try:
        await _Allocation(turn, reader, writer).allocate(peer)
    except BaseException:
        writer.close()
        raise

    async def read() -> None:
        data = parse_stun(await _read_stun(reader)).get(Attribute.DATA)
        if data is not None:
            receive(data)

    def wrap(data: bytes) -> bytes:
        transaction = secrets.token_bytes(12)
        told: list[tuple[int, bytes]] = [
            (Attribute.XOR_PEER_ADDRESS, pack_address(peer, transaction)),
            (Attribute.DATA, data),
        ]
        return build(Method.SEND, Class.INDICATION, transaction, told)

    return _Stream(writer, read, wrap)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._receive(data)


class _Udp:
    def __init__(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def send(self, data: bytes) -> None:
        self._transport.sendto(data)

    async def close(self) -> None:
        self._transport.close()


class _Stream:
    def __init__(
        self,
        writer: asyncio.StreamWriter,
        read: Callable[[], Awaitable[None]],
        wrap: Callable[[bytes], bytes],
    ) -> None:
        self._writer = writer
        self._wrap = wrap
        self._reading = asyncio.create_task(self._read_on(read))

    def send(self, data: bytes) -> None:
        self._writer.write(self._wrap(data))

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.close()

    async def _read_on(self, read: Callable[[], Awaitable[None]]) -> None:
        while True:
            await read()


class _Allocation:
    """The requests before data flow."""

    def __init__(
        self, turn: TurnServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._turn = turn
        self._reader = reader
        self._writer = writer
        self._who: list[tuple[int, bytes]] = []
        self._key: bytes | None = None

    async def allocate(self, peer: Address) -> None:
        wanted: list[tuple[int, bytes]] = [(Attribute.REQUESTED_TRANSPORT, _UDP_PROTOCOL)]
        if peer.family == 6:
            wanted.append((Attribute.REQUESTED_ADDRESS_FAMILY, b"\x02\x00\x00\x00"))
        challenge = await self._ask(Method.ALLOCATE, wanted)
        self._sign_with(challenge)
        _require(await self._ask(Method.ALLOCATE, wanted))
        transaction = secrets.token_bytes(12)
        permitted = [(int(Attribute.XOR_PEER_ADDRESS), pack_address(peer, transaction))]
        _require(await self._ask(Method.CREATE_PERMISSION, permitted, transaction))

    def _sign_with(self, challenge: Message) -> None:
        """RFC 8489 section 9.2.2."""
        realm, nonce = challenge.get(Attribute.REALM), challenge.get(Attribute.NONCE)
        if realm is None or nonce is None:
            raise PermissionError("the TURN server asks for no credential")
        name = self._turn.username.encode()
        self._who = [(Attribute.USERNAME, name), (Attribute.REALM, realm), (Attribute.NONCE, nonce)]
        secret = b":".join((name, realm, self._turn.password.encode()))
        self._key = hashlib.md5(secret, usedforsecurity=False).digest()

    async def _ask(
        self, method: Method, wanted: list[tuple[int, bytes]], transaction: bytes = b""
    ) -> Message:
        chosen = transaction or secrets.token_bytes(12)
        self._writer.write(build(method, Class.REQUEST, chosen, [*wanted, *self._who], self._key))
        while True:
            answer = parse_stun(await _read_stun(self._reader))
            if answer.transaction == chosen:
                return answer


def _require(answer: Message) -> None:
    if answer.kind != Class.SUCCESS:
        why = (answer.get(Attribute.ERROR_CODE) or b"")[4:].decode("utf-8", "replace")
        raise PermissionError(f"the TURN server refuses: {why}")


async def _read_stun(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(_STUN_HEADER_BYTES)
    return head + await reader.readexactly(int.from_bytes(head[2:4]))
