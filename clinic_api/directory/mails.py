"""Where mail to a patient may go, and the mail by which they open their own account."""

from __future__ import annotations

from datetime import datetime

from clinic_api.actor import Actor
from clinic_api.directory.model import Patient, PatientDetails
from clinic_api.outbox import About, OutboxMessage, enqueue
from clinic_api.transaction import Transaction


def allowed_emails(details: PatientDetails, given: str = "") -> list[str]:
    """Addresses of a patient that no wish forbids, the one that was given first."""
    rules = [rule for rule in details.contact_rules if rule.channel == "email"]
    if any(rule.rule == "never" for rule in rules):
        return []
    only = {rule.value.strip().lower() for rule in rules if rule.rule == "only"}
    held = dict.fromkeys([*([given] if given else []), *details.emails])
    return [email for email in held if not only or email in only] or sorted(only)


def mail_claim_invitation(
    tx: Transaction, actor: Actor, patient: Patient, invitation_id: str, expires_at: datetime
) -> None:
    """To the first address that may be used; without one, staff hand the link over."""
    for email in allowed_emails(patient.details)[:1]:
        enqueue(
            tx,
            actor,
            OutboxMessage(
                kind="patient.claim",
                audience="patient",
                dedupe_key=f"patient.claim:{invitation_id}",
                recipient=email,
                about=About(patient_id=patient.id, invitation_id=invitation_id),
                language=patient.details.language,
                expires_at=expires_at,
            ),
        )
