"""Who follows appointments from above: told of every change in the transaction that makes it.

Scheduling knows nothing of visits. A follower gets the appointment as it is now, perhaps twice.
"""

from __future__ import annotations

from collections.abc import Callable

from clinic_api.actor import Actor
from clinic_api.scheduling.model import Appointment
from clinic_api.transaction import Transaction

Follower = Callable[[Transaction, Actor, Appointment], None]

_FOLLOWERS: list[Follower] = []


def follows(follower: Follower) -> Follower:
    """Declare a follower, once."""
    _FOLLOWERS.append(follower)
    return follower


def changed(tx: Transaction, actor: Actor, appointment: Appointment) -> None:
    """For whoever has made or changed an appointment; after a move, the new one."""
    for follower in _FOLLOWERS:
        follower(tx, actor, appointment)
