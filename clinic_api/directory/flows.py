"""What takes more than one transaction."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.directory.claiming import Claim, Claimed, claim_record, spend_claim
from clinic_api.http.route import flow


@flow("patient.claim")
async def claim(database: Database, actor: Actor, command: Claim) -> Claimed:
    """Take over the record that the clinic already has of oneself.

    A try is counted for good before it is compared. Raises Refused, as `claiming`.
    """
    await database.write(lambda tx: spend_claim(tx, actor, command))
    return await database.write(lambda tx: claim_record(tx, actor, command))
