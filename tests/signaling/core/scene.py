"""A room in virtual time with the fixed cast, for the core's tests."""

from __future__ import annotations

from typing import TypeVar

from signaling.core import messages as m
from signaling.core import outputs as o
from signaling.core.closing import Closing
from signaling.core.records import RoomRecord, SeatRecord
from signaling.core.rights import Rights
from signaling.core.room import Room
from signaling.core.settings import RoomSettings
from signaling.core.state import NewSeat
from signaling.ports import Entry

ROOM = "visit-1"
DOCTOR = Rights(publish=True, subscribe=True, moderate=True, chat=True)
PATIENT = Rights(publish=True, subscribe=True, chat=True)

S = TypeVar("S", bound=m.ServerMessage)
O = TypeVar("O", bound=o.Output)  # noqa: E741 the outputs' type variable


def entry_of(who: str, rights: Rights, waits: bool) -> Entry:
    role = "provider" if rights.moderate else "patient"
    return Entry(ROOM, f"subject-{who}", f"Name of {who}", role, rights, waits)


class Scene:
    """Drives a room; everything it puts out since the last `clear` stays readable.

    Participants are named `p-<who>`, connections `c-<who>` unless a test says otherwise.
    """

    def __init__(self, settings: RoomSettings | None = None) -> None:
        self.settings = settings or RoomSettings()
        self.room = Room(RoomRecord(ROOM, 0.0), self.settings)
        self.now = 1000.0
        self.outputs: list[o.Output] = []
        self.disk: dict[str, SeatRecord] = {}
        self.record = RoomRecord(ROOM, 0.0)

    def drain(self) -> list[o.Output]:
        new = self.room.drain()
        for output in new:
            if isinstance(output, o.SaveSeat):
                self.disk[output.record.participant] = output.record
            elif isinstance(output, o.SaveRoom):
                self.record = output.record
        self.outputs += new
        return new

    def clear(self) -> None:
        self.outputs.clear()

    def hello(
        self,
        who: str,
        rights: Rights,
        waits: bool,
        *,
        connection: str | None = None,
        participant: str | None = None,
    ) -> list[o.Output]:
        fresh = NewSeat(participant or f"p-{who}", f"key-of-{who}-000000000")
        entry = entry_of(who, rights, waits)
        self.room.receive_hello(connection or f"c-{who}", entry, fresh, None, self.now)
        return self.drain()

    def doctor(self, who: str = "bob") -> None:
        self.hello(who, DOCTOR, waits=False)

    def patient(self, who: str = "alice") -> None:
        self.hello(who, PATIENT, waits=True)

    def visit(self) -> None:
        """Bob has admitted Alice."""
        self.doctor()
        self.patient()
        self.say("bob", m.Admit(1, "p-alice"))
        self.clear()

    def say(self, who: str, message: m.ClientMessage) -> list[o.Output]:
        self.room.receive_message(f"c-{who}", message, self.now)
        return self.drain()

    def lose(self, who: str) -> list[o.Output]:
        self.room.receive_disconnect(f"c-{who}", self.now)
        return self.drain()

    def resume(self, who: str, connection: str | None = None) -> list[o.Output]:
        found = self.disk[f"p-{who}"]
        key = f"key-of-{who}-000000000"
        self.room.receive_resume(connection or f"c-{who}", found, key, None, self.now)
        return self.drain()

    def wait(self, seconds: float) -> list[o.Output]:
        self.now += seconds
        self.room.handle_timeout(self.now)
        return self.drain()

    def restart(self, connected: frozenset[str] = frozenset()) -> None:
        """Forget everything that is not on disk."""
        self.room = Room(self.record, self.settings)
        self.room.restore(self.disk.values(), connected, self.now)
        self.clear()

    def heard(self, who: str, kind: type[S]) -> list[S]:
        """What this person's usual connection was sent, of one kind."""
        sent = [one.message for one in self.of(o.Send) if one.connection == f"c-{who}"]
        return [message for message in sent if isinstance(message, kind)]

    def refusals(self, who: str) -> list[str]:
        return [error.code for error in self.heard(who, m.Error)]

    def closing(self, connection: str) -> Closing | None:
        closings = [one.closing for one in self.of(o.Close) if one.connection == connection]
        return closings[-1] if closings else None

    def of(self, kind: type[O]) -> list[O]:
        return [output for output in self.outputs if isinstance(output, kind)]
