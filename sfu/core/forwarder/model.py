"""Who is there: publishers with tracks of one to three layers, subscribers with slots.

Plain state without behaviour; the files beside this one each change their own part of it. Ids of
sources and streams are small integers, unique in the worker's life.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sfu.api import Follow
from sfu.core.description import Codec, Extensions, Kind, Section, SourceRole
from sfu.core.estimation.estimator import Estimator
from sfu.core.estimation.sent_log import SendLog
from sfu.core.forwarder.hysteresis import Hysteresis
from sfu.core.forwarder.pacing import Pacer
from sfu.core.forwarder.rates import Rate
from sfu.core.forwarder.ring import AUDIO_PACKETS, VIDEO_PACKETS, Ring
from sfu.core.forwarder.rule import EVERY_TID, Rule
from sfu.core.forwarder.uplink import Uplink
from sfu.core.sdp.codecs import matches

MAX_SEGMENTS = 32  # rules of a stream; each frame that is left out begins a new one


@dataclass(slots=True)
class SenderClock:
    """The newest sender report of a source: (NTP seconds of the publisher, RTP timestamp)."""

    ntp: float
    rtp_timestamp: int
    received_at: float
    lsr: int  # middle 32 bits of the NTP timestamp, as a reception report repeats it


@dataclass(slots=True)
class Reception:
    """RFC 3550 A.3 and A.8 bookkeeping of one source, brought up to date at each scan."""

    first: int = -1  # extended
    received: int = 0
    recovered: int = 0  # of them: only within a later packet (RED)
    octets: int = 0  # of what arrived: RTP, as it is kept
    expected_prior: int = 0  # at the last report
    received_prior: int = 0
    lost_recently: int = 0  # first transmissions missing since the last quality reading
    expected_recently: int = 0
    jitter: float = 0.0  # timestamp units
    transit: float | None = None
    reported_at: float | None = None


@dataclass(slots=True, eq=False)
class Source:
    """One received RTP stream: the only layer of a track, or one of its simulcast layers."""

    id: int
    track: Track
    layer: int  # 0 = lowest
    ssrc: int
    codec: Codec
    ring: Ring
    awaited: set[int] = field(default_factory=set)  # streams that start at its next switch point
    scanned: int = -1  # the ring has been read up to here
    last_arrival: float = -1.0
    height: int = 0  # pixels of the newest keyframe; 0 = not known
    keyframe_seq: int = -1  # of the newest one that somebody waited for
    missing: dict[int, Missing] = field(default_factory=dict)
    clock: SenderClock | None = None
    reception: Reception = field(default_factory=Reception)
    rate: Rate = field(default_factory=Rate)
    redundant_at: float = -1e9  # when its newest RED packet came


@dataclass(slots=True)
class Missing:
    """A packet that was not received (yet)."""

    noticed_at: float
    due_at: float
    tries: int = 0


@dataclass(slots=True, eq=False)
class Track:
    """What a participant publishes in one m-line."""

    publisher: Publisher
    section: Section
    layers: list[Source | None]
    muted: bool = False
    announced: bool = False
    started_at: float = -1e9  # media came after a silence
    keyframe_wanted_since: float | None = None
    keyframe_asked_at: float = -1e9
    wanted_layers: int | None = None  # so many were asked for last; None: all, nobody was told
    unseen_since: float | None = None  # the highest of them is of no use to anybody
    low: bool = False  # its publisher was told last to spend few bits on sound

    @property
    def role(self) -> SourceRole:
        return self.section.role or ("microphone" if self.section.kind == "audio" else "camera")

    @property
    def sources(self) -> list[Source]:
        return [layer for layer in self.layers if layer is not None]


@dataclass(slots=True)
class Repairs:
    """What an rtx ssrc repairs; the layer's source may come later, or change."""

    track: Track
    layer: int | None  # None: only probes came, and they named no layer

    @property
    def source(self) -> Source | None:
        return None if self.layer is None else self.track.layers[self.layer]


@dataclass(slots=True, eq=False)
class Publisher:
    """The receiving half of a peer."""

    peer: str
    room: str
    tracks: dict[str, Track] = field(default_factory=dict)  # by mid
    by_ssrc: dict[int, Source] = field(default_factory=dict)
    by_rtx_ssrc: dict[int, Repairs] = field(default_factory=dict)
    ntp_offset: float | None = None  # our seconds = publisher's NTP seconds + offset
    rtt_s: float = 0.07  # LiveKit's start value until a report tells
    spare_octets: int = 0  # of repairs and probes that came, as the link carries them
    arrivals: list[tuple[int, int]] = field(default_factory=list)  # transport-wide seq, µs
    feedback_count: int = 0
    feedback_at: float = 0.0
    reported_at: float = 0.0
    owner: str = ""  # whose the peer is; "": of nobody but itself
    uplink: Uplink = field(default_factory=Uplink)
    narrow_at: float = -1e9  # its uplink, or the downlink of somebody who hears it, last was
    calm_s: float = 0.0  # for so long after that few bits are spent


@dataclass(slots=True)
class Segment:
    """Which outgoing numbers a rule produced, for NACK."""

    source: Source
    rule: Rule
    until: float | None = None  # when the rule may be forgotten


@dataclass(slots=True, eq=False)
class Sent:
    """What of a stream has really left; written by the executor, like the rings."""

    packets: int = 0
    octets: int = 0  # of payload
    highest: int = -1  # outgoing extended number


@dataclass(slots=True)
class Repeats:
    """Of an outgoing audio stream while all of it is sent twice."""

    done: int  # highest outgoing number that needs no repeat any more
    calm_since: float
    marks: deque[tuple[float, int]] = field(default_factory=deque)  # (seen at, highest sent)


@dataclass(slots=True, eq=False)
class Stream:
    """One outgoing RTP stream of a subscriber: the audio or the video of a slot."""

    id: int
    peer: str
    kind: Kind
    mid: str
    ssrc: int
    rtx_ssrc: int
    codecs: tuple[Codec, ...]  # what the subscriber takes, with its payload types
    extensions: Extensions
    nack: bool
    log: SendLog  # of the subscriber's transport, like the pacer
    pacer: Pacer
    max_tid: int = EVERY_TID  # the highest VP8 temporal layer that is to be sent
    dropped_picture: int | None = None  # picture id of the newest frame that was left out
    source: Source | None = None  # flows now
    wanted: Source | None = None  # flows from its next switch point on
    segments: deque[Segment] = field(default_factory=lambda: deque(maxlen=MAX_SEGMENTS))
    next_seq: int = 0  # of a first packet; later ones follow the last sent
    last_timestamp: int = 0
    last_sent_at: float | None = None
    last_picture_id: int = -1
    last_tl0: int = -1
    next_rtx_seq: int = 0
    answered: dict[int, tuple[int, float]] = field(default_factory=dict)  # seq → (answers, last at)
    sent: Sent = field(default_factory=Sent)
    reported_at: float = 0.0
    report_due: bool = False  # right after a switch
    loss: float = 0.0  # newest fraction lost that the subscriber reported, 0..1
    loss_at: float = -1e9
    asked_at: float = -1e9  # when the subscriber last sent a NACK
    repeats: Repeats | None = None

    def codec_for(self, codec: Codec) -> Codec | None:
        """The subscriber's form of a publisher's codec, matched by parameters, not by number."""
        return next((ours for ours in self.codecs if matches(ours, codec)), None)


@dataclass(slots=True, eq=False)
class Slot:
    """An audio + video pair (or the screen's video) that always carries one participant."""

    index: int
    screen: bool
    audio: Stream | None = None
    video: Stream | None = None
    publisher: str | None = None
    epoch: int = 0
    ready: bool = True  # the client has hidden the old picture
    switched_at: int | None = None  # RTP timestamp that slot_switched told for this epoch
    assigned_at: float = -1e9  # when it got its publisher
    width: int = 640
    height: int = 360
    priority: int = 0
    codec_missing: str = ""
    granted: tuple[int, int] | None = None  # layer and temporal layer that it may have; None: new
    picture: str = "full"  # full | reduced | off

    @property
    def streams(self) -> list[Stream]:
        return [stream for stream in (self.audio, self.video) if stream is not None]


@dataclass(slots=True, eq=False)
class Subscriber:
    """The sending half of a peer."""

    peer: str
    room: str
    estimator: Estimator
    slots: list[Slot] = field(default_factory=list)
    connected: bool = False
    rtt_s: float = 0.07
    pacer: Pacer = field(default_factory=Pacer)
    hysteresis: Hysteresis = field(default_factory=Hysteresis)
    path_loss: float = 0.0  # share of all packets that does not arrive, smoothed over 2 s
    congested: bool = False  # the estimate has fallen, and not all that is wanted fits yet
    estimate_bps: float = 0.0  # at the last allocation
    has_all: bool = False  # no picture is smaller or slower than its tile could use
    allocated_at: float = -1e9
    told_video: str = "full"  # in the newest Quality
    statuses_since: float = 0.0  # the second in which the statuses below were read
    statuses: int = 0  # of packets, in transport-wide feedback
    nacks_since: float = 0.0  # the second in which the NACKs below were read
    nacked: int = 0
    owner: str = ""
    follow: Follow | None = None


def make_ring(section: Section) -> Ring:
    return Ring(AUDIO_PACKETS if section.kind == "audio" else VIDEO_PACKETS)
