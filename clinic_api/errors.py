"""Refusals that a person may read: a stable code, a sentence, an HTTP status (RFC 9457).

The table is the only place where a code gets its status and sentence; OpenAPI and the pages read
it. A refusal that must be audited carries what was tried.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    "step_up_needed": Kind(401, "Please confirm with your authenticator app once more."),
    "not_allowed": Kind(403, "Your role does not allow this."),
    "foreign_origin": Kind(403, "The request came from another site."),
    "not_found": Kind(404, "There is nothing here, or it is not yours to see."),
    "conflict": Kind(409, "This was changed or decided otherwise meanwhile."),
    "illegal_event": Kind(409, "This is not possible in the present state."),
    "already_set_up": Kind(409, "This clinic is set up already."),
    "in_progress": Kind(409, "The same request is still being carried out."),
    "key_reused": Kind(422, "This Idempotency-Key belongs to another request."),
    "gone": Kind(410, "This link is not valid any more."),
    "stale": Kind(412, "Somebody changed this meanwhile. Please load it again."),
    "too_large": Kind(413, "The request is too large."),
    "not_json": Kind(415, "The request has to be JSON."),
    "invalid": Kind(422, "Some fields are not right."),
    "match_needed": Kind(428, "Say which version you change: If-Match with the ETag you read."),
    "too_many_requests": Kind(429, "Too many tries. Please wait a little."),
    "audit_unavailable": Kind(503, "This cannot be shown now, because it cannot be recorded."),
    "unavailable": Kind(503, "The server cannot do this now. Please try again soon."),
}


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
    ) -> None:
        kind = KINDS[code]
        super().__init__(message or kind.message)
        self.code = code
        self.message = message or kind.message
        self.status = kind.status
        self.fields = dict(fields or {})
        self.retry_after_s = retry_after_s
        self.attempt = attempt
