"""Counts what the clients get, decrypts a sample of it, and times it where asked to."""

from __future__ import annotations

import socket

from bench.client import Client, Stream
from bench.mmsg import Head, Inbox
from bench.packets import TWCC_ID, stamp
from sfu.shell.srtp_errors import SrtpError

TWCC_HEAD = TWCC_ID << 4 | 1  # RFC 8285 4.2: two bytes
SAMPLED = 101  # one packet in so many is decrypted; prime, so that every stream has its turn

SentAt = dict[tuple[str, int], int]  # (publisher's address, RTP timestamp) → wall clock ns


class Receiver:
    """`delays_ns` fills while `sent_at` is set."""

    def __init__(self, bulk: socket.socket) -> None:
        self.streams: dict[int, Stream] = {}
        self._repaired: dict[int, Client] = {}  # by the ssrc of repairs and probes
        self.undecryptable = 0
        self.decrypted = 0
        self.rtcp = 0
        self.sent_at: SentAt | None = None
        self.delays_ns: list[int] = []
        self._inbox = Inbox(bulk)
        self._until_sample = SAMPLED

    def add(self, client: Client) -> None:
        """Take over what comes for this client."""
        self.streams.update({stream.ssrc: stream for stream in client.streams})
        self._repaired.update(dict.fromkeys(client.repairs, client))

    def delivered(self) -> int:
        """Media packets that came since the start."""
        return sum(stream.count for stream in self.streams.values())

    def drain(self) -> None:
        """Read until nothing is there."""
        while count := self._inbox.read():
            heads = self._inbox.heads()
            find = self.streams.get
            arrival_us = self._inbox.arrival_ns(0) // 1000
            for second, seq, _, ssrc, extension, transport_seq in heads:
                stream = find(ssrc)
                if stream is None or 192 <= second <= 223:
                    self.rtcp += 192 <= second <= 223
                    client = self._repaired.get(ssrc)
                    if client is not None:
                        client.arrivals.append((transport_seq, arrival_us))
                    continue
                stream.count += 1
                stream.last_seq = seq
                if extension == TWCC_HEAD:
                    stream.client.arrivals.append((transport_seq, arrival_us))
            self._sample(heads)
            if self.sent_at is not None:
                self._time(heads, self.sent_at)
            if count < 8:  # what comes meanwhile may wait
                return

    def _sample(self, heads: list[Head]) -> None:
        if self._until_sample > len(heads):
            self._until_sample -= len(heads)
            return
        places = self._inbox.places()
        for at in range(self._until_sample - 1, len(heads), SAMPLED):
            self._decrypt(heads[at], *places[at][1:])
            self._until_sample = SAMPLED - (len(heads) - 1 - at)

    def _decrypt(self, head: Head, start: int, size: int) -> None:
        """Check that a packet authenticates and carries what was sent."""
        second, _, timestamp, ssrc, *_ = head
        stream = self.streams.get(ssrc)
        if stream is None or 192 <= second <= 223 or stream.client.srtp is None:
            return
        self.decrypted += 1
        try:
            said = stamp(stream.client.srtp.unprotect(self._inbox.datagram(start, size)))
        except SrtpError:
            said = None
        if said is None:
            self.undecryptable += 1
        else:
            stream.offset = (timestamp - said.rtp_timestamp) & 0xFFFFFFFF

    def _time(self, heads: list[Head], sent_at: SentAt) -> None:
        """From a frame's sending to the arrival of each of its packets at the kernel."""
        for head, (message, start, size) in zip(heads, self._inbox.places(), strict=True):
            stream = self.streams.get(head[3])
            if stream is None or stream.publisher is None or 192 <= head[0] <= 223:
                continue
            if stream.offset is None:
                self._decrypt(head, start, size)
            if stream.offset is not None:
                key = stream.publisher.address, (head[2] - stream.offset) & 0xFFFFFFFF
                sent = sent_at.get(key)
                if sent is not None:
                    self.delays_ns.append(self._inbox.arrival_ns(message) - sent)
