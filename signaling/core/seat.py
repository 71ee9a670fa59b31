"""A seat while the room is in memory: its record on disk plus what dies with the process."""

from __future__ import annotations

import msgspec

from signaling.core import seat_states
from signaling.core.gauge import Gauge
from signaling.core.limits import ConnectionLimits
from signaling.core.messages import Activity, Finding, QualityOf, SlotState, Source
from signaling.core.records import SeatRecord
from signaling.core.rights import Rights
from signaling.core.seat_states import SeatEvent, SeatState
from signaling.core.told import Told


class Seat(msgspec.Struct, eq=False):
    """One person's place in one room. `step` is the only way to change its state."""

    record: SeatRecord
    away_since: float  # Unix seconds; meaningful while there is no connection
    connection: str | None = None
    heard_at: float = 0.0  # Unix seconds, newest frame
    limits: ConnectionLimits | None = None
    last_offer: int = 0  # newest offer id in this connection
    awaited_offer: int | None = None  # its answer has not come yet
    media_up: bool = False
    slots_known: bool = False  # the plane has told us what this subscriber's slots show
    slots: dict[int, SlotState] = {}
    quality: QualityOf | None = None
    layers: dict[Source, tuple[str, ...]] = {}  # rids that somebody has a use for
    activity: Activity = "active"
    told: Told | None = None  # the page's newest report of what comes through
    findings: tuple[Finding, ...] = ()  # that this connection was told of
    gauge: Gauge = msgspec.field(default_factory=Gauge)
    way: str = ""  # udp | tcp | turn, as the plane said last
    media_lost_at: float | None = None  # Unix seconds; the person has stayed

    @property
    def id(self) -> str:
        return self.record.participant

    @property
    def rights(self) -> Rights:
        return self.record.rights

    @property
    def is_waiting(self) -> bool:
        return self.record.state is SeatState.WAITING

    @property
    def is_admitted(self) -> bool:
        return self.record.state is SeatState.ADMITTED

    @property
    def is_live(self) -> bool:
        return self.record.state in seat_states.LIVE

    @property
    def is_device(self) -> bool:
        """Whether media is its only connection."""
        return self.record.device != ""

    @property
    def is_here(self) -> bool:
        """Whether the person can be reached now; a device is until its media is lost."""
        return self.is_device or self.connection is not None

    def step(self, event: SeatEvent) -> None:
        """Change the state by the table. Raises IllegalTransition and changes nothing."""
        state = seat_states.after(self.record.state, event)
        self.record = msgspec.structs.replace(self.record, state=state)

    def change(self, **fields: object) -> None:
        """Replace fields of the record other than the state."""
        assert "state" not in fields
        self.record = msgspec.structs.replace(self.record, **fields)

    def attach(self, connection: str, limits: ConnectionLimits, now: float) -> None:
        """The person is here by this connection."""
        self.connection = connection
        self.limits = limits
        self.heard_at = now
        self.activity = "active"
        self.findings = ()
        self.forget_offers()

    def detach(self, now: float) -> None:
        """The person is away; the seat is held."""
        self.connection = None
        self.limits = None
        self.away_since = now
        self.forget_offers()

    def forget_offers(self) -> None:
        """Whatever answer is still on its way has become stale."""
        self.last_offer = 0
        self.awaited_offer = None

    def forget_media(self) -> None:
        """The media connection is gone, and with it what its slots showed."""
        self.media_up = False
        self.slots = {}
        self.slots_known = False
        self.quality = None
        self.layers = {}
        self.gauge.forget_way()

    def is_sending(self, source: Source) -> bool:
        """What others are told: declared by the person and not muted by a moderator."""
        return source in self.record.declared and source not in self.record.muted
