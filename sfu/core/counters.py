"""Every counter of the media plane, with the sentence that /metrics prints for it."""

from __future__ import annotations

HELP: dict[str, str] = {
    "packets_in": "RTP packets received and authenticated",
    "bytes_in": "bytes of those packets, SRTP included",
    "packets_out": "RTP packets sent, retransmissions included",
    "bytes_out": "bytes of those packets, SRTP included",
    "lost_in": "RTP packets that did not arrive at first",
    "unrepaired_in": "lost packets that never came in spite of requests",
    "nacks_out": "packets that we asked publishers to send again",
    "nacks_in": "packets that subscribers asked us to send again",
    "resent": "packets sent again to subscribers",
    "repeated": "audio packets sent twice to subscribers that lose many and cannot ask",
    "repaired_in": "packets that publishers sent again by RTX",
    "recovered_in": "lost audio packets that came back within later ones (RED)",
    "keyframe_requests": "keyframe requests sent to publishers",
    "switches": "slot and layer switches",
    "rtcp_in": "RTCP packets received and authenticated",
    "rtcp_out": "RTCP packets sent",
    "stun_in": "STUN requests with a known user",
    "dropped_stun": "STUN messages that were malformed, of an unknown user or with a wrong key",
    "dropped_checks": "authentic STUN checks over the peer's limit, or repeated too often",
    "dropped_dtls": "DTLS datagrams from an address that no check has validated",
    "dropped_dtls_rate": "DTLS datagrams over the peer's limit",
    "dropped_media": "RTP and RTCP from an address that no check has validated",
    "dropped_unbound": "RTP packets whose ssrc belongs to no m-line",
    "dropped_srtp": "packets that failed authentication or were replayed",
    "dropped_malformed": "authenticated packets that break RTP or RTCP",
    "dropped_duplicate": "packets received twice or too late to keep",
    "dropped_rate": "packets over the peer's bitrate limit",
    "dropped_paced": "video packets at which a slow subscriber's queue was full",
    "dropped_send": "packets that the kernel did not take",
    "dropped_datagram": "datagrams that are neither STUN, DTLS nor RTP",
    "oversized": "datagrams over 1200 bytes that were forwarded",
    "handshakes_failed": "DTLS handshakes that failed or took too long",
    "fingerprint_mismatches": "DTLS certificates that were not the announced ones",
    "refused_rooms": "calls that were not begun because there was too much work",
    "refused_joins": "media connections over the limit of a room or of the worker",
}


class Counters:
    """Whole numbers since the start, by the names of `HELP`."""

    __slots__ = tuple(HELP)

    def __init__(self) -> None:
        for name in HELP:
            setattr(self, name, 0)

    packets_in: int
    bytes_in: int
    packets_out: int
    bytes_out: int
    lost_in: int
    unrepaired_in: int
    nacks_out: int
    nacks_in: int
    resent: int
    repeated: int
    repaired_in: int
    recovered_in: int
    keyframe_requests: int
    switches: int
    rtcp_in: int
    rtcp_out: int
    stun_in: int
    dropped_stun: int
    dropped_checks: int
    dropped_dtls: int
    dropped_dtls_rate: int
    dropped_media: int
    dropped_unbound: int
    dropped_srtp: int
    dropped_malformed: int
    dropped_duplicate: int
    dropped_rate: int
    dropped_paced: int
    dropped_send: int
    dropped_datagram: int
    oversized: int
    handshakes_failed: int
    fingerprint_mismatches: int
    refused_rooms: int
    refused_joins: int

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in HELP}
