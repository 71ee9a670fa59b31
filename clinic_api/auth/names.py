"""What staff are called, for lists that hold ids: the audit, who looked at a record."""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.auth import store
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction

MAX_IDS = 200


class NamesOf(msgspec.Struct, frozen=True):
    ids: frozenset[str]  # of users; what is none is left out


class Names(msgspec.Struct, frozen=True):
    names: dict[str, str]  # id → display name


@guarded("user.names")
def names_of(tx: Transaction, actor: Actor, command: NamesOf) -> Names:
    """Of staff only: who a patient is, no id tells."""
    del actor
    found = (store.user(tx, user_id) for user_id in sorted(command.ids)[:MAX_IDS])
    return Names(
        {user.id: user.display_name for user in found if user is not None and user.is_staff}
    )
