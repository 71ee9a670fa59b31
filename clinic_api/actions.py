"""Who may do what: one table, role × action with the relation that must hold. Deny by default.

Relations: `any` object of the organisation; `own`, the actor's own record or a ward's; `self`, the
actor's own account; `care`, a patient whom the actor treats (a visit together, or on the team); and
`visit`, the one visit that a participant was invited to. `STRANGER` marks what nobody has to sign
in for. What is not listed is refused; a service without an entry cannot be defined.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Relation = Literal["any", "own", "self", "care", "visit"]
STEP_UP_S = 300.0  # how long a fresh second factor counts


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    grants: dict[str, Relation]  # role, or actor kind for participant, system and stranger
    step_up: bool = False
    audited: bool = True


def _action(
    shared: dict[str, Relation] | None = None,
    /,
    *,
    step_up: bool = False,
    audited: bool = True,
    **grants: Relation,
) -> Action:
    together: dict[str, Relation] = {**(shared or {}), **grants, "system": "any"}
    return Action(grants=together, step_up=step_up, audited=audited)


_EVERYBODY: dict[str, Relation] = dict.fromkeys(
    ("admin", "doctor", "nurse", "desk", "billing", "patient"), "self"
)
# Not signed in fully: `unfinished` has shown the password and not the code; `enrolling` are staff
# without a second factor. They may do what is listed for them and nothing else.
_OPEN: dict[str, Relation] = dict.fromkeys(
    ("stranger", "participant", *_EVERYBODY, "unfinished", "enrolling"), "any"
)

ACTIONS: dict[str, Action] = {
    # set-up and organisation
    "organisation.set_up": _action(_OPEN),  # holds the one-time link
    "organisation.check_set_up": _action(_OPEN, audited=False),
    "organisation.read": _action(
        audited=False,
        stranger="any",
        participant="any",
        admin="any",
        doctor="any",
        nurse="any",
        desk="any",
        billing="any",
        patient="any",
    ),
    "organisation.change": _action(admin="any"),
    # one's own account
    "account.begin_sign_in": _action(_OPEN, audited=False),  # counts a try
    "account.sign_in": _action(_OPEN),
    "account.begin_code": _action(_EVERYBODY, audited=False, unfinished="self"),  # counts a try
    "account.show_second_factor": _action(unfinished="self"),
    "account.enrol_factor": _action(_EVERYBODY, enrolling="self"),
    "account.sign_out": _action(_EVERYBODY, unfinished="self", enrolling="self"),
    "account.read": _action(_EVERYBODY, audited=False, unfinished="self", enrolling="self"),
    "account.list_sessions": _action(_EVERYBODY, audited=False),
    "account.end_session": _action(_EVERYBODY),
    "account.step_up": _action(_EVERYBODY),
    "account.change": _action(_EVERYBODY),
    "account.change_factor": _action(_EVERYBODY, step_up=True),
    "account.register": _action(_OPEN),
    "account.activate": _action(_OPEN),
    "account.verify_email": _action(_OPEN),
    "account.ask_reset": _action(_OPEN),
    "account.reset": _action(_OPEN),
    "account.begin_link": _action(_OPEN, audited=False),  # counts a try at a code or a link
    "account.authenticate": _action(audited=False),  # each request: the server itself
    # users
    "user.list": _action(admin="any"),
    "user.names": _action(
        audited=False, admin="any", doctor="any", nurse="any", desk="any", patient="any"
    ),
    "user.read": _action(admin="any"),
    "user.create": _action(step_up=True, admin="any"),
    "user.issue_code": _action(step_up=True, admin="any", desk="any"),
    "user.change_roles": _action(step_up=True, admin="any"),
    "user.disable": _action(step_up=True, admin="any"),
    "user.enable": _action(step_up=True, admin="any"),
    "user.recover": _action(),  # the console: the last admin is lost
    "user.reset_factor": _action(step_up=True, admin="any", desk="any"),
    "user.activate_patient": _action(admin="any", desk="any", doctor="care", nurse="care"),
    "api_key.list": _action(admin="any"),
    "api_key.create": _action(step_up=True, admin="any"),
    "api_key.revoke": _action(admin="any"),
    # people
    "practitioner.list": _action(
        audited=False, admin="any", doctor="any", nurse="any", desk="any", billing="any"
    ),
    "practitioner.create": _action(admin="any"),
    "practitioner.change": _action(admin="any"),
    "practitioner.read_public": _action(_OPEN, audited=False),  # what is meant for everybody
    "practitioner.read_profile": _action(
        audited=False, admin="any", doctor="self", nurse="self", desk="any"
    ),
    "practitioner.change_profile": _action(admin="any", doctor="self", nurse="self"),
    # people from a file
    "import.check": _action(admin="any"),
    "import.read": _action(admin="any"),
    "import.apply": _action(step_up=True, admin="any"),
    # what is offered
    "location.list": _action(_OPEN, audited=False),
    "location.create": _action(admin="any"),
    "location.change": _action(admin="any"),
    "service.list": _action(_OPEN, audited=False),
    "service.create": _action(admin="any"),
    "service.change": _action(admin="any"),
    "service.offer": _action(admin="any"),
    "form.list": _action(audited=False, admin="any", doctor="any", nurse="any", desk="any"),
    "form.publish": _action(admin="any"),
    "patient.search": _action(admin="any", doctor="any", nurse="any", desk="any", billing="any"),
    "patient.read": _action(
        admin="any", doctor="care", nurse="care", desk="any", billing="any", patient="own"
    ),
    "patient.create": _action(admin="any", doctor="any", nurse="any", desk="any"),
    "patient.change": _action(admin="any", doctor="care", nurse="care", desk="any", patient="own"),
    "patient.invite": _action(admin="any", desk="any", doctor="care", nurse="care"),
    "patient.claim": _action(patient="self"),  # holds the invitation
    "patient.register": _action(patient="self"),  # one's own record, to be matched by staff
    "patient.merge": _action(step_up=True, admin="any", desk="any"),
    "patient.unmerge": _action(step_up=True, admin="any", desk="any"),
    "patient.access_log": _action(admin="any", patient="own"),
    "proxy.list": _action(admin="any", desk="any", doctor="care", nurse="care", patient="own"),
    "proxy.grant": _action(admin="any", desk="any"),
    "proxy.end": _action(admin="any", desk="any", patient="own"),
    # scheduling
    "availability.list": _action(
        audited=False, admin="any", doctor="care", nurse="any", desk="any"
    ),
    "availability.change": _action(admin="any", doctor="care", desk="any"),
    "slot.list": _action(_OPEN, audited=False),  # free times name nobody
    "appointment.list": _action(admin="any", doctor="care", nurse="any", desk="any", patient="own"),
    "appointment.read": _action(admin="any", doctor="care", nurse="any", desk="any", patient="own"),
    "appointment.hold": _action(admin="any", doctor="care", nurse="any", desk="any", patient="own"),
    "appointment.confirm": _action(
        admin="any", doctor="care", nurse="any", desk="any", patient="own"
    ),
    "appointment.book": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "appointment.overbook": _action(admin="any", doctor="care", desk="any"),
    "appointment.move": _action(admin="any", doctor="care", nurse="any", desk="any", patient="own"),
    "appointment.swap": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "appointment.reassign": _action(step_up=True, admin="any", desk="any"),
    "appointment.cancel": _action(
        admin="any", doctor="care", nurse="any", desk="any", patient="own"
    ),
    "appointment.approve": _action(admin="any", doctor="care", desk="any"),
    "appointment.decide": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "appointment.correct": _action(admin="any"),
    "appointment.conflicts": _action(admin="any", desk="any"),
    "appointment.record": _action(audited=False),  # visits: what the server saw
    "calendar.read": _action(_EVERYBODY),  # the address of one's own feed
    "calendar.renew": _action(_EVERYBODY),
    "calendar.change": _action(_EVERYBODY),
    "calendar.withdraw": _action(_EVERYBODY),
    "calendar.follow": _action(
        stranger="any", audited=False
    ),  # by its address; notes what it gives
    "appointment.expire": _action(audited=False),  # notes each; often there is none
    "appointment.rederive": _action(audited=False),  # notes each that new rules changed
    # visits
    "visit.create": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "visit.walk_in": _action(stranger="any", patient="own"),
    "visit.list": _action(admin="any", doctor="care", nurse="any", desk="any", patient="own"),
    "visit.read": _action(
        admin="any", doctor="care", nurse="any", desk="any", patient="own", participant="visit"
    ),
    "visit.expire": _action(audited=False),  # notes each visit; often there is none
    "visit.end": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "visit.invite": _action(  # patients: family only, see visits/third_parties.py
        admin="any", doctor="care", nurse="any", desk="any", patient="own", participant="visit"
    ),
    "visit.revoke": _action(
        admin="any", doctor="care", nurse="any", desk="any", patient="own", participant="visit"
    ),
    "visit.agree": _action(doctor="care", nurse="any", patient="own", participant="visit"),
    "visit.show_link": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "visit.renew_link": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "visit.enter": _action(
        doctor="care", nurse="care", patient="own", participant="visit", stranger="any"
    ),
    "visit.open_link": _action(audited=False, stranger="any", participant="visit", patient="own"),
    "visit.recover_link": _action(stranger="any"),
    "visit.check_in": _action(patient="own", participant="visit"),
    "visit.read_check_in": _action(doctor="care", nurse="any", patient="own", participant="visit"),
    "intake.read": _action(doctor="care", nurse="care", patient="own", participant="visit"),
    "intake.write": _action(patient="own", participant="visit"),
    "visit.survey": _action(patient="own", participant="visit", stranger="any"),
    "visit.read_surveys": _action(admin="any", doctor="care"),
    "visit.consent": _action(patient="own", participant="visit"),
    "visit.queue": _action(
        audited=False,
        admin="any",
        doctor="care",
        nurse="any",
        desk="any",
        patient="own",
        participant="visit",
    ),
    "visit.waiting_room": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "visit.say_late": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "visit.read_chat": _action(doctor="care", nurse="care", patient="own"),
    "visit.read_summary": _action(doctor="care", nurse="care", patient="own"),
    "visit.read_quality": _action(admin="any", doctor="care", nurse="any", desk="any"),
    "visit.note_quality": _action(audited=False),  # the gate: numbers and codes, every 10 s
    "visit.record": _action(),  # the gate: joins, leaves, chat
    "visit.watch": _action(audited=False),  # the gate: what is read again and again
    "demo.prepare": _action(),  # the start of a demo folder
    "consent_text.list": _action(audited=False, admin="any", doctor="any", nurse="any", desk="any"),
    "consent_text.publish": _action(admin="any"),
    # documents; who brings one need not be allowed to read it
    "document.add": _action(
        admin="any", doctor="care", nurse="care", desk="any", billing="any", patient="own"
    ),
    # `any` counts for threads to the desk only: see clinic_api/messages/service.py
    "message.list": _action(desk="any", admin="any", doctor="care", nurse="care", patient="own"),
    "message.read": _action(desk="any", admin="any", doctor="care", nurse="care", patient="own"),
    "message.write": _action(desk="any", admin="any", doctor="care", nurse="care", patient="own"),
    "message.close": _action(desk="any", admin="any", doctor="care", nurse="care"),
    "clinical.read": _action(doctor="care", nurse="care", patient="own"),
    "clinical.note": _action(doctor="care", nurse="care", patient="own"),
    "clinical.change": _action(doctor="care", nurse="care", patient="own"),
    "clinical.confirm": _action(doctor="care", nurse="care"),
    "chart.open": _action(doctor="care", nurse="care"),
    "note.read": _action(doctor="care", nurse="care", patient="own"),
    "note.write": _action(doctor="care", nurse="care"),
    "note.sign": _action(doctor="care"),
    "note_template.list": _action(audited=False, admin="any", doctor="any", nurse="any"),
    "note_template.change": _action(admin="any", doctor="any"),
    "document.list": _action(doctor="care", nurse="care", patient="own"),
    "document.read": _action(doctor="care", nurse="care", patient="own"),
    "document.release": _action(doctor="care", nurse="care"),
    "document.withdraw": _action(doctor="care", nurse="care", patient="own"),
    # a copy of what the patient may read: by the patient, or handed over by who treats
    "export.make": _action(step_up=True, doctor="care", patient="own"),
    "export.download": _action(doctor="care", patient="own"),  # whoever asked, once
    "export.return": _action(audited=False),  # a download broke off
    "file.await_scan": _action(audited=False),  # the scan's job
    "file.scan": _action(),
    "file.sweep": _action(audited=False),  # what no row names
    # messages that leave
    "outbox.list": _action(admin="any", desk="any"),
    "outbox.count": _action(audited=False, admin="any", desk="any"),
    "outbox.show": _action(admin="any", desk="any"),  # the text with its link, to hand it over
    "outbox.show_reset": _action(step_up=True, admin="any", desk="any"),  # opens a live account
    "outbox.retry": _action(admin="any", desk="any"),
    "outbox.withdraw": _action(admin="any", desk="any"),
    "outbox.poll": _action(audited=False),  # the sender
    "outbox.settle": _action(),
    "jobs.clean": _action(audited=False),
    # audit
    "audit.read": _action(admin="any"),
    "audit.verify": _action(admin="any"),
    # the console
    "backup.make": _action(),
    "backup.restore": _action(),
    "keys.export": _action(),
    "keys.rotate": _action(),
}
