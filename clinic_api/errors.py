"""Refusals that a person may read: a stable code, a sentence, an HTTP status (RFC 9457).

The table is the only place where a code gets its status and sentence; OpenAPI and the pages read
it. A refusal that must be audited carries what was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """What a code means."""

    status: int
    message: str


KINDS: dict[str, Kind] = {
    "sign_in_needed": Kind(401, "Please sign in."),
    "bad_credentials": Kind(401, "The name or the password is not right."),
    "bad_code": Kind(401, "The code is not right. Please try again."),
    "second_factor_needed": Kind(401, "Please enter the code of your authenticator app."),
    "enrolment_needed": Kind(401, "Please set up your authenticator app first."),
    "step_up_needed": Kind(401, "Please confirm with your authenticator app once more."),
    "not_allowed": Kind(403, "Your role does not allow this."),
    "foreign_origin": Kind(403, "The request came from another site."),
    "not_found": Kind(404, "There is nothing here, or it is not yours to see."),
    "no_such_method": Kind(405, "Use one of the methods in the Allow header."),
    "conflict": Kind(409, "This was changed or decided otherwise meanwhile."),
    "illegal_event": Kind(409, "This is not possible in the present state."),
    "slot_taken": Kind(409, "Somebody was quicker: this time is taken. Please choose another."),
    "slot_closed": Kind(409, "This time is not offered any more. Please choose another."),
    "hold_expired": Kind(410, "This time was kept for ten minutes. Please choose it once more."),
    "too_many_holds": Kind(409, "Please finish or give up one of the times you chose before."),
    "too_late": Kind(409, "It is too late for this. Please call the clinic."),
    "too_early": Kind(409, "It is too early for this."),
    "too_many_moves": Kind(409, "This was moved too often. Please call the clinic."),
    "reason_needed": Kind(422, "Please say why."),
    "not_offered": Kind(409, "This practitioner does not offer this any more. Please choose anew."),
    "no_licence": Kind(
        409,
        "This practitioner has no licence for where the patient lives. Please choose another one.",
    ),
    "already_set_up": Kind(409, "This clinic is set up already."),
    "in_progress": Kind(409, "The same request is still being carried out."),
    "key_reused": Kind(422, "This Idempotency-Key belongs to another request."),
    "gone": Kind(410, "This link is not valid any more."),
    "token_invalid": Kind(401, "This link does not open a call."),
    "token_expired": Kind(410, "This link has expired."),
    "token_used": Kind(410, "This link has already been used."),
    "token_revoked": Kind(410, "This link has been withdrawn."),
    "unknown_room": Kind(404, "This call does not exist."),
    "link_unknown": Kind(404, "This link does not work. Please ask the clinic for a new one."),
    "link_early": Kind(409, "It is too early for this visit. Please come back later."),
    "link_expired": Kind(410, "This link has expired."),
    "link_revoked": Kind(410, "This link has been withdrawn."),
    "visit_ended": Kind(410, "This visit has ended."),
    "visit_cancelled": Kind(410, "This visit was cancelled."),
    "confirm_needed": Kind(
        403, "This link is in use on another device. Please confirm that it is you."
    ),
    "not_confirmed": Kind(403, "This does not match what the clinic has on file."),
    "no_tries_left": Kind(403, "Too many tries. Please ask the clinic for a new link."),
    "consent_needed": Kind(403, "Please read and agree to the video visit first."),
    "intake_needed": Kind(
        403, "Please answer the questions before the visit first, or call the clinic."
    ),
    "agreement_needed": Kind(
        403, "The patient has not agreed yet that you are there. Please try again later."
    ),
    "stale": Kind(412, "Somebody changed this meanwhile. Please load it again."),
    "too_slow": Kind(408, "The file came too slowly. Please try again with a better connection."),
    "length_needed": Kind(411, "Say how long the body is: Content-Length."),
    "too_large": Kind(413, "The request is too large."),
    "not_json": Kind(415, "The request has to be JSON."),
    "not_form": Kind(415, "The request has to be a form (multipart/form-data): fields, then file."),
    "file_refused": Kind(422, "This file is not taken."),
    "file_quarantined": Kind(409, "This file is still being checked. Please try again soon."),
    "file_infected": Kind(410, "This file is gone: the virus scanner found something in it."),
    "file_damaged": Kind(503, "This file cannot be read on the server. Please tell the clinic."),
    "storage_full": Kind(507, "The server has no room left. Please tell the clinic."),
    "invalid": Kind(422, "Some fields are not right."),
    "match_needed": Kind(428, "Say which version you change: If-Match with the ETag you read."),
    "too_many_requests": Kind(429, "Too many tries. Please wait a little."),
    "audit_unavailable": Kind(503, "This cannot be shown now, because it cannot be recorded."),
    "unavailable": Kind(503, "The server cannot do this now. Please try again soon."),
}


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """A free time instead of one that is taken."""

    practitioner_id: str
    starts_at: datetime
    ends_at: datetime


class Attempt(msgspec.Struct, frozen=True):
    """What somebody tried in vain; it is audited although the transaction is rolled back."""

    actor_kind: str
    actor_id: str
    action: str
    object_kind: str = ""
    object_id: str = ""
    client: str = ""


class Refused(Exception):
    """`code` is one of KINDS; `message` replaces its sentence; `fields` has one per wrong field."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        fields: Mapping[str, str] | None = None,
        retry_after_s: int | None = None,
        attempt: Attempt | None = None,
        alternatives: tuple[Alternative, ...] = (),
    ) -> None:
        kind = KINDS[code]
        super().__init__(message or kind.message)
        self.code = code
        self.message = message or kind.message
        self.status = kind.status
        self.fields = dict(fields or {})
        self.retry_after_s = retry_after_s
        self.attempt = attempt
        self.alternatives = alternatives
