"""What the forwarder asks of its executor and tells its owner; drained after each input."""

from __future__ import annotations

import msgspec

from sfu.api import AnyEvent
from sfu.core.estimation.probing import ProbeCluster
from sfu.core.forwarder.rule import Rule


class Install(msgspec.Struct, frozen=True):
    """Apply the rule to the source's packets from now on (after those already installed)."""

    source: int
    rule: Rule


class Uninstall(msgspec.Struct, frozen=True):
    """The source is gone, with all its rules."""

    source: int


class Replace(msgspec.Struct, frozen=True):
    """Give a rule its end, or (None) take it away."""

    source: int
    old: Rule
    new: Rule | None


class Replay(msgspec.Struct, frozen=True):
    """Apply one rule to packets first..last of the ring that arrived before it was installed."""

    source: int
    rule: Rule
    first: int
    last: int
    whole: bool = False  # of any temporal layer


class Resend(msgspec.Struct, frozen=True):
    """Send one packet of the ring again as RTX."""

    source: int
    rule: Rule
    seq: int  # incoming extended number
    rtx_ssrc: int
    rtx_payload_type: int
    rtx_seq: int


class ResendKept(msgspec.Struct, frozen=True):
    """Send the kept ciphertext of an outgoing packet again."""

    peer: str
    ssrc: int
    seq: int  # outgoing, 16 bit


class Probe(msgspec.Struct, frozen=True):
    """Send a cluster of padding on the stream's repair ssrc."""

    stream: int
    payload_type: int
    cluster: ProbeCluster


class SendRtcp(msgspec.Struct, frozen=True):
    peer: str
    data: bytes  # plain compound


class Emit(msgspec.Struct, frozen=True):
    event: AnyEvent


Action = Install | Uninstall | Replace | Replay | Resend | ResendKept | Probe | SendRtcp | Emit
