"""At the desk: a patient on file gets a login and a code to activate it with.

The person stands there, so the code is the proof; an e-mail address is verified by its own link.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.auth.model import LoginText
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.auth.users import Id, IssuedCode, issued
from clinic_api.directory import store
from clinic_api.directory.relations import facts_of
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden, permit
from clinic_api.http.route import Route
from clinic_api.ids import is_id
from clinic_api.transaction import Transaction


class GivePatientLogin(msgspec.Struct, frozen=True, kw_only=True):
    """`login`: an e-mail address, a telephone number or a user name."""

    patient_id: Id
    login: LoginText
    email: LoginText | None = None


@guarded("user.activate_patient")
def give_patient_login(tx: Transaction, actor: Actor, command: GivePatientLogin) -> IssuedCode:
    """Raises Refused: not_found, invalid, conflict for a taken name or a patient who has one."""
    patient = store.patient(tx, command.patient_id) if is_id(command.patient_id) else None
    if patient is None:
        raise hidden(tx, actor, "patient", command.patient_id)
    permit(tx, actor, facts_of(tx, patient.id))
    if patient.has_login or patient.state == "merged":
        raise Refused("conflict", "This record has a login already, or was merged.")
    asked = NewLogin(
        login=command.login,
        display_name=patient.details.name[:120],
        email=command.email,
        language=patient.details.language,
    )
    user = new_user(tx, actor, asked, frozenset({"patient"}))
    tx.update(store.patients, actor, patient.id, user_id=user.id)
    tx.note(actor, "user", user.id, patient_id=patient.id)
    return issued(tx, actor, user, "activate")


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/patients/{patient_id}/login",
        give_patient_login,
        GivePatientLogin,
        IssuedCode,
        status=201,
    ),
)
