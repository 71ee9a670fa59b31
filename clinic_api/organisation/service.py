"""Reads and changes the organisation; holds the one-time set-up link.

The link's token is made from the keyring and the organisation's id, so that it can be shown again
at every start, and is worth nothing once the organisation is ready.
"""

from __future__ import annotations

import hmac

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, permit
from clinic_api.organisation import store
from clinic_api.organisation.model import (
    ChangeOrganisation,
    Organisation,
    Profile,
    ReadOrganisation,
)
from clinic_api.organisation.profile import checked
from clinic_api.transaction import Keys, Transaction


def setup_token(keys: Keys, org_id: str) -> str:
    """What the set-up link carries in its fragment."""
    return keys.token("setup", org_id)


def check_setup_token(tx: Transaction, token: str) -> None:
    """Raises Refused: already_set_up, gone for a token that is not this installation's."""
    if store.organisation(tx).state == "ready":
        raise Refused("already_set_up")
    if not hmac.compare_digest(setup_token(tx.keys, tx.org_id).encode(), token.encode()):
        raise Refused("gone")


@guarded("organisation.read")
def read_organisation(tx: Transaction, actor: Actor, command: ReadOrganisation) -> Organisation:
    """What everybody may know."""
    del actor, command
    return store.organisation(tx)


@guarded("organisation.set_up")
def make_ready(tx: Transaction, actor: Actor, profile: Profile) -> Organisation:
    """The first profile. Raises Refused: already_set_up, invalid."""
    present = store.locked_organisation(tx)
    if present.state == "ready":
        raise Refused("already_set_up")
    store.write_profile(tx, actor, checked(profile), present.version, "ready")
    tx.note(actor, "organisation", present.id)
    return store.organisation(tx)


@guarded("organisation.change")
def change_organisation(tx: Transaction, actor: Actor, command: ChangeOrganisation) -> Organisation:
    """Replace the profile. Raises Refused: invalid, stale."""
    present = store.organisation(tx)
    permit(tx, actor, Facts(kind="organisation", id=present.id))
    said = Profile(**{name: getattr(command, name) for name in Profile.__struct_fields__})
    store.write_profile(tx, actor, checked(said), command.version, present.state)
    changed = ",".join(
        name for name in Profile.__struct_fields__ if getattr(said, name) != getattr(present, name)
    )
    tx.note(actor, "organisation", present.id, fields=changed)
    return store.organisation(tx)
