"""The TURN server of one client's TCP connection (RFC 8656), without I/O.

It relays to our own media addresses and nowhere else (403), so it needs no sockets: the relayed
address that a client is given is a name by which the media worker knows the client's path. What
there is: Allocate, Refresh, CreatePermission, ChannelBind, Send and Data indications, ChannelData,
and Binding as keep-alive. `now` is Unix seconds, because credentials are.

An allocation is worth its credential, or, once the media worker has found a peer behind it
(`claimed`), as long as that peer: a call does not end when its credential does.
"""

from __future__ import annotations

import msgspec

from sfu.core.turn import credentials
from sfu.core.turn.allocation import FIRST_CHANNEL, LAST_CHANNEL, LIFETIME_S, Allocation, Quota
from sfu.core.turn.message import (
    Address,
    Attribute,
    Class,
    Message,
    Method,
    StunError,
    build,
    pack_address,
    parse,
)

REALM = "telemed-media"
SOFTWARE = b"telemed-media"
NONCE_S = 3600.0  # RFC 8656 section 5: a server should not keep one longer
FIRST_RELAYED_PORT = 49_152  # RFC 6335 section 6, the dynamic ones
_UDP = 17  # IANA protocol number
_FAMILIES = {1: 4, 2: 6}  # of REQUESTED-ADDRESS-FAMILY (RFC 8656 section 18.6)
_REASONS = {
    400: "Bad Request",
    401: "Unauthenticated",
    403: "Forbidden",
    420: "Unknown Attribute",
    437: "Allocation Mismatch",
    438: "Stale Nonce",
    440: "Address Family not Supported",
    441: "Wrong Credentials",
    442: "Unsupported Transport Protocol",
    486: "Allocation Quota Reached",
}


class Reply(msgspec.Struct, frozen=True):
    """Send this to the client."""

    data: bytes


class Relayed(msgspec.Struct, frozen=True):
    """The client sent this to one of our media addresses."""

    peer: Address
    data: bytes


class Ended(msgspec.Struct, frozen=True):
    """The connection has no more use."""


Output = Reply | Relayed | Ended


class _Refused(Exception):
    def __init__(self, code: int, *more: tuple[int, bytes]) -> None:
        super().__init__(code)
        self.code = code
        self.more = list(more)


class Relay:
    """What all connections share: the secret, who may be reached, quotas and relayed addresses."""

    def __init__(self, secret: bytes, media: frozenset[Address]) -> None:
        """`media` are the addresses that candidates name; peers are these, relayed hosts too."""
        self.secret = secret
        self.media = media
        self.hosts = tuple(dict.fromkeys(sorted(each.host for each in media)))
        self.quota = Quota()
        self._in_use: set[int] = set()
        self._next_port = FIRST_RELAYED_PORT

    def take_address(self, family: int) -> Address | None:
        """A relayed address that no other allocation has; of the other family where we have none
        of this one and it was not asked for. None where all are in use.
        """
        host = next((host for host in self.hosts if (":" in host) == (family == 6)), self.hosts[0])
        for _ in range(FIRST_RELAYED_PORT, 65_536):
            port, self._next_port = self._next_port, self._next_port + 1
            if self._next_port > 65_535:
                self._next_port = FIRST_RELAYED_PORT
            if port not in self._in_use:
                self._in_use.add(port)
                return Address(host, port)
        return None

    def give_back(self, allocation: Allocation) -> None:
        self.quota.give_back(allocation.person)
        self._in_use.discard(allocation.relayed.port)


class TurnClient:
    """`receive` each message of the connection; `close` when it has ended."""

    def __init__(self, relay: Relay, client: Address, seed: str, now: float) -> None:
        """`seed` makes the nonces of this connection: random, of the characters 0-9 a-f."""
        self.allocation: Allocation | None = None
        self.claimed = False
        self.refused = 0  # requests
        self._relay = relay
        self._client = client
        self._seed = seed
        self._nonce_at = now
        self._nonces = 0
        self._indications = 0

    def receive(self, data: bytes, now: float) -> list[Output]:
        """One message. Raises StunError where the client speaks something else."""
        if data[0] >> 6 == 1:
            return self._receive_channel_data(data, now)
        message = parse(data)
        if message.kind == Class.INDICATION:
            return self._receive_indication(message, now)
        if message.kind != Class.REQUEST:
            raise StunError("a response to nothing")
        try:
            return self._answer(message, now)
        except _Refused as refused:
            self.refused += 1
            return [Reply(self._refusal(message, refused))]

    def to_client(self, peer: Address, data: bytes, now: float) -> bytes | None:
        """A packet of the peer as the client gets it, padded for TCP; None where it may not."""
        allocation = self.allocation
        if allocation is None:
            return None
        channel = allocation.channel_to(peer, now)
        if channel is not None:
            head = channel.to_bytes(2) + len(data).to_bytes(2)
            return head + data + bytes(-len(data) % 4)
        if not allocation.may_reach(peer, now):
            return None
        self._indications += 1
        transaction = self._indications.to_bytes(12)
        attributes: list[tuple[int, bytes]] = [
            (Attribute.XOR_PEER_ADDRESS, pack_address(peer, transaction)),
            (Attribute.DATA, data),
        ]
        return build(Method.DATA, Class.INDICATION, transaction, attributes)

    def has_expired(self, now: float) -> bool:
        return self.allocation is not None and self.allocation.expires_at <= now

    def close(self) -> None:
        """Idempotent."""
        gone, self.allocation = self.allocation, None
        if gone is not None:
            self._relay.give_back(gone)

    # data

    def _receive_channel_data(self, data: bytes, now: float) -> list[Output]:
        if self.allocation is None:
            raise StunError("channel data without an allocation")
        peer = self.allocation.peer_of(int.from_bytes(data[:2]), now)
        return [Relayed(peer, data[4:])] if peer is not None else []

    def _receive_indication(self, message: Message, now: float) -> list[Output]:
        """Indications are never answered (RFC 8656 section 11.2)."""
        payload = message.get(Attribute.DATA)
        if message.method != Method.SEND or self.allocation is None or payload is None:
            return []
        peers = message.addresses(Attribute.XOR_PEER_ADDRESS)
        if len(peers) != 1 or peers[0] not in self._relay.media:
            return []
        return [Relayed(peers[0], payload)] if self.allocation.may_reach(peers[0], now) else []

    # requests

    def _answer(self, message: Message, now: float) -> list[Output]:
        if message.method == Method.BINDING:
            return [Reply(self._success(message, [self._mapped(message)], None))]
        key = self._authenticated(message, now)
        if unknown := message.unknown():
            raise _Refused(
                420,
                (Attribute.UNKNOWN_ATTRIBUTES, b"".join(kind.to_bytes(2) for kind in unknown)),
            )
        match message.method:
            case Method.ALLOCATE:
                return self._allocate(message, key, now)
            case Method.REFRESH:
                return self._refresh(message, key, now)
            case Method.CREATE_PERMISSION:
                return self._permit(message, key, now)
            case Method.CHANNEL_BIND:
                return self._bind(message, key, now)
            case _:
                raise _Refused(400)

    def _allocate(self, message: Message, key: bytes, now: float) -> list[Output]:
        if self.allocation is not None:
            raise _Refused(437)
        transport = message.get(Attribute.REQUESTED_TRANSPORT)
        if transport is None or len(transport) != 4:
            raise _Refused(400)
        if transport[0] != _UDP:
            raise _Refused(442)
        family = self._family(message)
        holder = credentials.read_username(message.text(Attribute.USERNAME))
        assert holder is not None
        if not self._relay.quota.take(holder.person):
            raise _Refused(486)
        relayed = self._relay.take_address(family)
        if relayed is None:
            self._relay.quota.give_back(holder.person)
            raise _Refused(486)
        username = message.text(Attribute.USERNAME)
        self.allocation = Allocation(username, holder.person, relayed, now)
        told = [
            (Attribute.XOR_RELAYED_ADDRESS, pack_address(relayed, message.transaction)),
            (Attribute.LIFETIME, LIFETIME_S.to_bytes(4)),
            self._mapped(message),
        ]
        return [Reply(self._success(message, told, key))]

    def _family(self, message: Message) -> int:
        wanted = message.get(Attribute.REQUESTED_ADDRESS_FAMILY)
        if wanted is None:
            return 4
        family = _FAMILIES.get(wanted[0] if wanted else 0)
        if family is None or not any((":" in host) == (family == 6) for host in self._relay.hosts):
            raise _Refused(440)
        return family

    def _refresh(self, message: Message, key: bytes, now: float) -> list[Output]:
        allocation = self._own(message)
        wanted = message.get(Attribute.LIFETIME)
        lifetime = min(int.from_bytes(wanted), LIFETIME_S) if wanted else LIFETIME_S
        reply = Reply(self._success(message, [(Attribute.LIFETIME, lifetime.to_bytes(4))], key))
        if lifetime == 0:
            self.close()
            return [reply, Ended()]
        allocation.expires_at = now + LIFETIME_S
        return [reply]

    def _permit(self, message: Message, key: bytes, now: float) -> list[Output]:
        allocation = self._own(message)
        peers = _addresses(message)
        if not peers:
            raise _Refused(400)
        if any(peer.host not in self._relay.hosts for peer in peers):
            raise _Refused(403)
        for peer in peers:
            allocation.permit(peer.host, now)
        return [Reply(self._success(message, [], key))]

    def _bind(self, message: Message, key: bytes, now: float) -> list[Output]:
        allocation = self._own(message)
        peers = _addresses(message)
        channel = message.get(Attribute.CHANNEL_NUMBER)
        if len(peers) != 1 or channel is None or len(channel) != 4:
            raise _Refused(400)
        number = int.from_bytes(channel[:2])
        if not FIRST_CHANNEL <= number <= LAST_CHANNEL:
            raise _Refused(400)
        if peers[0] not in self._relay.media:
            raise _Refused(403)
        if not allocation.bind(number, peers[0], now):
            raise _Refused(400)
        return [Reply(self._success(message, [], key))]

    def _own(self, message: Message) -> Allocation:
        if self.allocation is None:
            raise _Refused(437)
        if message.text(Attribute.USERNAME) != self.allocation.username:
            raise _Refused(441)
        return self.allocation

    # who asks

    def _authenticated(self, message: Message, now: float) -> bytes:
        """The key of the request's credential (RFC 8489 section 9.2.4)."""
        if not message.integrity:
            raise _Refused(401, *self._challenge(now))
        username = message.text(Attribute.USERNAME)
        holder = credentials.read_username(username)
        if message.text(Attribute.NONCE) != self._nonce(now):
            raise _Refused(438, *self._challenge(now))
        if holder is None or not self._is_good(holder, now):
            raise _Refused(401, *self._challenge(now))
        password = credentials.password_of(self._relay.secret, username)
        key = credentials.long_term_key(username, REALM, password)
        if message.text(Attribute.REALM) != REALM or not message.is_signed_with(key):
            raise _Refused(401, *self._challenge(now))
        return key

    def _is_good(self, holder: credentials.Holder, now: float) -> bool:
        if self.claimed and self.allocation is not None:
            return True
        return now < holder.until <= now + credentials.LONGEST_S + 1

    def _challenge(self, now: float) -> tuple[tuple[int, bytes], ...]:
        return (
            (Attribute.REALM, REALM.encode()),
            (Attribute.NONCE, self._nonce(now).encode()),
        )

    def _nonce(self, now: float) -> str:
        if now - self._nonce_at >= NONCE_S:
            self._nonce_at = now
            self._nonces += 1
        return f"{self._seed}{self._nonces:04x}"

    # answers

    def _mapped(self, message: Message) -> tuple[int, bytes]:
        return Attribute.XOR_MAPPED_ADDRESS, pack_address(self._client, message.transaction)

    def _success(self, message: Message, told: list[tuple[int, bytes]], key: bytes | None) -> bytes:
        told = [*told, (Attribute.SOFTWARE, SOFTWARE)]
        return build(message.method, Class.SUCCESS, message.transaction, told, key)

    def _refusal(self, message: Message, refused: _Refused) -> bytes:
        code = bytes([0, 0, refused.code // 100, refused.code % 100])
        told: list[tuple[int, bytes]] = [
            (Attribute.ERROR_CODE, code + _REASONS[refused.code].encode()),
            *refused.more,
            (Attribute.SOFTWARE, SOFTWARE),
        ]
        return build(message.method, Class.ERROR, message.transaction, told)


def _addresses(message: Message) -> tuple[Address, ...]:
    try:
        return message.addresses(Attribute.XOR_PEER_ADDRESS)
    except StunError:
        raise _Refused(400) from None
