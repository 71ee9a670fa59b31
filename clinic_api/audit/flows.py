"""Verifying the audit is slow work: it is read in short pieces, each in its own transaction."""

from __future__ import annotations

from collections.abc import Awaitable

from clinic_api.actor import Actor
from clinic_api.audit import checking, store
from clinic_api.audit.model import AuditRow
from clinic_api.audit.service import Verification, VerifyAudit, begin_verification
from clinic_api.audit.verify import Verdict
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.http.route import flow
from clinic_api.key_files import KeyringError
from clinic_api.keyring import Keyring

NO_KEY = (
    "The key that signed the audit is missing or unusable: `telemed-media audit verify` says why."
)


@flow("audit.verify")
async def verify_audit(database: Database, actor: Actor, command: VerifyAudit) -> Verification:
    """Verify the whole audit against its hash chain and the signed checkpoints. Raises
    Refused(unavailable) without the key that signed them."""
    await database.read(lambda tx: begin_verification(tx, actor, command))
    keys = database.keys
    if not isinstance(keys, Keyring):
        raise Refused("unavailable")

    def rows_after(seq: int) -> Awaitable[list[AuditRow]]:
        return database.read(lambda tx: store.rows_after(tx.sql, seq, checking.ROWS_A_READ))

    try:
        return _shown(await checking.check(rows_after, keys.folder.parent))
    except KeyringError as problem:
        raise Refused("unavailable", NO_KEY) from problem


def _shown(verdict: Verdict) -> Verification:
    return Verification(
        whole=verdict.fault is None,
        sentence=verdict.sentence,
        rows=verdict.rows,
        signed_rows=verdict.signed_rows,
        first_bad_row=verdict.fault.seq if verdict.fault else None,
    )
