"""A TURN client's messages, written by aioice's codec, and its reading of our answers."""

from __future__ import annotations

from typing import Any

from aioice import stun

from sfu.core.turn import credentials
from sfu.core.turn.message import Address
from sfu.core.turn.server import REALM, Ended, Output, Relay, Relayed, Reply, TurnClient

SECRET = b"shared with the front"
MEDIA = Address("203.0.113.5", 8443)
MEDIA_V6 = Address("2001:db8::5", 8443)
ALICE = Address("198.51.100.7", 50_000)
NOW = 1_800_000_000.0
UDP = 17 << 24
for _number, _name in ((0x17, "REQUESTED-ADDRESS-FAMILY"), (0x18, "EVEN-PORT")):
    _unknown = (_number, _name, stun.pack_bytes, stun.unpack_bytes)
    stun.ATTRIBUTES_BY_NAME.setdefault(_name, _unknown)


class Client:
    """Alice's browser, speaking to one `TurnClient` in virtual time."""

    def __init__(self, relay: Relay | None = None, person: str = "alice") -> None:
        self.now = NOW
        self.relay = relay or Relay(SECRET, frozenset({MEDIA, MEDIA_V6}))
        self.server = TurnClient(self.relay, ALICE, "5eed", self.now)
        self.holds(credentials.issue(SECRET, person, self.now + 300))
        self.nonce = b""
        self.outputs: list[Output] = []

    def holds(self, credential: credentials.Credential) -> None:
        self.username = credential.username
        self.key = credentials.long_term_key(credential.username, REALM, credential.password)

    def ask(self, method: stun.Method, *, signed: bool = True, **attributes: Any) -> stun.Message:
        """Send a request and read the answer."""
        request = stun.Message(method, stun.Class.REQUEST)
        for name, value in attributes.items():
            request.attributes[name.replace("_", "-")] = value
        if signed:
            request.attributes["USERNAME"] = self.username
            request.attributes["REALM"] = REALM
            request.attributes["NONCE"] = self.nonce
            request.add_message_integrity(self.key)
        (reply,) = [each for each in self.send(bytes(request)) if isinstance(each, Reply)]
        answer = stun.parse_message(reply.data)
        assert answer.transaction_id == request.transaction_id
        if "NONCE" in answer.attributes:
            self.nonce = answer.attributes["NONCE"]
        if answer.message_class is stun.Class.RESPONSE and signed:
            assert answer.check_message_integrity(self.key)
        return answer

    def send(self, data: bytes) -> list[Output]:
        self.outputs = self.server.receive(data, self.now)
        return self.outputs

    def allocate(self, **attributes: Any) -> stun.Message:
        """As every client does: first without a credential, for realm and nonce."""
        given = {"REQUESTED_TRANSPORT": UDP, **attributes}
        assert code(self.ask(stun.Method.ALLOCATE, signed=False, **given)) == 401
        return self.ask(stun.Method.ALLOCATE, **given)

    def bind(self, number: int = 0x4000, peer: Address = MEDIA) -> stun.Message:
        address = (peer.host, peer.port)
        return self.ask(stun.Method.CHANNEL_BIND, CHANNEL_NUMBER=number, XOR_PEER_ADDRESS=address)

    def permit(self, peer: Address = MEDIA) -> stun.Message:
        address = (peer.host, peer.port)
        return self.ask(stun.Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=address)

    def indicate(self, data: bytes, peer: Address = MEDIA) -> list[Output]:
        message = stun.Message(stun.Method.SEND, stun.Class.INDICATION)
        message.attributes["XOR-PEER-ADDRESS"] = (peer.host, peer.port)
        message.attributes["DATA"] = data
        return self.send(bytes(message))


def code(answer: stun.Message) -> int:
    """The error's code, 0 for a success."""
    if answer.message_class is stun.Class.RESPONSE:
        return 0
    found: int = answer.attributes["ERROR-CODE"][0]
    return found


def relayed(outputs: list[Output]) -> list[bytes]:
    return [each.data for each in outputs if isinstance(each, Relayed)]


def ended(outputs: list[Output]) -> bool:
    return any(isinstance(each, Ended) for each in outputs)
