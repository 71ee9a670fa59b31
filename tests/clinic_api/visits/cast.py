"""A clinic with Bob the doctor and Carol the desk; Alice comes, Charlie tries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

import msgspec
import pytest
import sqlalchemy as sa

from clinic_api.actor import STRANGER, Actor, system
from clinic_api.audit.store import AUDIT
from clinic_api.db import Database
from clinic_api.directory.service import CreatePractitioner, create_practitioner
from clinic_api.errors import Refused
from clinic_api.organisation.model import Profile
from clinic_api.organisation.store import organisation, write_profile
from clinic_api.transaction import Transaction
from clinic_api.visits import links
from clinic_api.visits.call_log import Peer, PeerLeft, gate_admitted, gate_joined, gate_left
from clinic_api.visits.flows import enter
from clinic_api.visits.joining import Enter, Entered, TakeSeat, take_seat
from clinic_api.visits.service import CreateInstantVisit, InstantVisit, create_instant_visit
from tests.clinic_api.conftest import Clock

R = TypeVar("R")
Service = Callable[[Transaction, Actor, Any], R]

CONSOLE = system("console")
GATE = system("gate")
PHONE = "+12025550100"
ALICE_BORN = date(1984, 2, 29)


def user_id(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


CAROL = Actor(kind="user", id=user_id(3), roles=frozenset({"desk"}))
CHARLIE = Actor(  # signed up by himself, with a record of his own
    kind="user",
    id=user_id(4),
    roles=frozenset({"patient"}),
    patient_ids=frozenset({user_id(99)}),
)


class Clinic:
    """What tests do with it. `bob` is set by `opened`."""

    def __init__(self, database: Database, clock: Clock, bob: Actor) -> None:
        self.database = database
        self.clock = clock
        self.bob = bob

    async def do(self, service: Service[R], actor: Actor, command: object) -> R:
        return await self.database.write(lambda tx: service(tx, actor, command))

    async def see(self, service: Service[R], actor: Actor, command: object) -> R:
        return await self.database.read(lambda tx: service(tx, actor, command))

    async def refusal(self, service: Service[Any], actor: Actor, command: object) -> Refused:
        with pytest.raises(Refused) as refused:
            await self.do(service, actor, command)
        return refused.value

    async def rows(self, table: sa.Table) -> list[Any]:
        """Every row of a table, as it lies there."""
        return await self.database.read(lambda tx: tx.all(tx.select(table).order_by(table.c.id)))

    async def audited(self, action: str, outcome: str = "done") -> list[Any]:
        """Rows of the audit, oldest first."""
        query = sa.select(AUDIT).where(AUDIT.c.action == action, AUDIT.c.outcome == outcome)
        return await self.database.read(
            lambda tx: list(tx.sql.execute(query.order_by(AUDIT.c.seq)))
        )

    async def visit(self, **values: Any) -> InstantVisit:
        """Bob's instant visit for Alice; with somebody on file the desk makes it."""
        command = CreateInstantVisit(**({"name": "Alice"} | values))
        if command.patient_id is None:
            return await self.do(create_instant_visit, self.bob, command)
        command = msgspec.structs.replace(command, practitioner_id=self.bob.practitioner_id)
        return await self.do(create_instant_visit, CAROL, command)

    async def tap(self, token: str, **values: Any) -> Entered:
        return await enter(self.database, STRANGER, Enter(token=token, **values))

    async def bob_enters(self, visit_id: str) -> Entered:
        return await self.do(take_seat, self.bob, TakeSeat(visit_id))

    async def joins(self, seat: Entered, peer: str) -> None:
        await self.do(gate_joined, GATE, self._peer(seat, peer))

    async def is_admitted(self, seat: Entered, peer: str) -> None:
        await self.do(gate_admitted, GATE, self._peer(seat, peer))

    async def leaves(self, seat: Entered, peer: str) -> None:
        at = self.clock.now_s
        left = PeerLeft(room=seat.room, subject=seat.participant_id, peer=peer, at=at, why="left")
        await self.do(gate_left, GATE, left)

    def _peer(self, seat: Entered, peer: str) -> Peer:
        at = self.clock.now_s
        return Peer(room=seat.room, subject=seat.participant_id, peer=peer, at=at)


async def opened(database: Database, clock: Clock) -> Clinic:
    """A clinic that is set up, where Bob works."""

    def set_up(tx: Transaction) -> str:
        profile = Profile(
            name="Example Clinic",
            country="US",
            currency="USD",
            time_zone="America/New_York",
            phone=PHONE,
        )
        write_profile(tx, CONSOLE, profile, organisation(tx).version, "ready")
        command = CreatePractitioner(
            name="Dr. Bob", user_id=user_id(2), address="bob", accepts_walk_ins=True
        )
        return create_practitioner(tx, CONSOLE, command).id

    practitioner_id = await database.write(set_up)
    bob = Actor(
        kind="user",
        id=user_id(2),
        roles=frozenset({"doctor"}),
        practitioner_id=practitioner_id,
    )
    return Clinic(database, clock, bob)


def token_in(made: InstantVisit) -> str:
    return made.link.path.removeprefix(links.PATH)


def participant(seat: Entered) -> Actor:
    """Who holds a seat, as authentication makes it."""
    return Actor(kind="participant", id=seat.participant_id, visit_id=seat.visit_id)


def signed_in(patient_id: str, number: int = 1) -> Actor:
    """Alice with a login of her own."""
    return Actor(
        kind="user",
        id=user_id(number),
        roles=frozenset({"patient"}),
        patient_ids=frozenset({patient_id}),
    )
