"""Probes for more bandwidth: padding on a repair stream, which no receiver shows (RFC 4588).

The estimator says when, how fast and how much; the packets are empty retransmissions with padding,
as browsers send them too.
"""

from __future__ import annotations

from sfu.core.forwarder.actions import Probe
from sfu.core.forwarder.model import Stream, Subscriber
from sfu.core.forwarder.state import State


def probe(state: State, subscriber: Subscriber, now: float) -> None:
    """Let the estimator do its own, and ask for the probe that it wants."""
    subscriber.estimator.handle_timeout(now)
    found = next((pair for slot in subscriber.slots if (pair := _carrier(slot.video))), None)
    if found is None:
        return
    cluster = subscriber.estimator.next_probe(now)
    if cluster is not None:
        stream, payload_type = found
        state.actions.append(Probe(stream.id, payload_type, cluster))


def _carrier(stream: Stream | None) -> tuple[Stream, int] | None:
    """A stream whose repairs may be padded, and their payload type."""
    if stream is None or not stream.rtx_ssrc or not stream.extensions.transport_cc:
        return None
    types = (codec.rtx_payload_type for codec in stream.codecs)
    payload_type = next((one for one in types if one is not None), None)
    return None if payload_type is None else (stream, payload_type)
