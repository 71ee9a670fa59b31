"""Codes of the clinic as people say them: one table for every page that shows one.

What is done reads on from who did it: “Carol: searched for patients”. A test walks the tables that
the codes come from, so that none is without words.
"""

from __future__ import annotations

from collections.abc import Mapping

ROLES: Mapping[str, str] = {
    "admin": "administrator",
    "doctor": "doctor",
    "nurse": "nurse",
    "desk": "front desk",
    "billing": "billing",
    "patient": "patient",
}
ACTORS: Mapping[str, str] = {  # who has no name that may be shown here
    "user": "a patient with an account",
    "participant": "somebody with a link to a visit",
    "api_key": "a program with a key",
    "system": "the server",
    "stranger": "somebody not signed in",
}
OUTCOMES: Mapping[str, str] = {"done": "done", "refused": "refused"}
USER_STATES: Mapping[str, str] = {
    "invited": "invited, not signed in yet",
    "active": "may sign in",
    "disabled": "may not sign in",
}
PATIENT_STATES: Mapping[str, str] = {
    "unmatched": "not checked by the clinic yet",
    "matched": "checked by the clinic",
    "merged": "merged into another record",
}
SEXES: Mapping[str, str] = {
    "female": "female",
    "male": "male",
    "other": "other",
    "unknown": "not known",
}
CHANNELS: Mapping[str, str] = {
    "phone": "by telephone",
    "sms": "by text message",
    "voicemail": "on the answering machine",
    "email": "by e-mail",
    "post": "by letter",
}
WISHES: Mapping[str, str] = {"any": "yes", "never": "never", "only": "only by this"}
DEVICES: Mapping[str, str] = {
    "phone": "a phone",
    "tablet": "a tablet",
    "computer": "a computer",
    "unknown": "some device",
}
OBJECTS: Mapping[str, str] = {
    "": "",
    "api_key": "key of a program",
    "appointment": "appointment",
    "appointment_list": "list of appointments",
    "audit": "audit",
    "availability": "hours of a practitioner",
    "backup": "backup",
    "chart": "chart of a patient",
    "claim_invitation": "invitation to a record",
    "clinical_lists": "problems, allergies and medicines",
    "consent": "consent",
    "consent_text": "text of a consent",
    "document": "document",
    "document_list": "list of documents",
    "file": "file",
    "form": "form",
    "keys": "keys",
    "list_entry": "entry about a patient’s health",
    "location": "place of the clinic",
    "message": "message",
    "note": "note about a visit",
    "note_template": "template of a note",
    "observation": "measurement",
    "offer": "service of a practitioner",
    "organisation": "the clinic",
    "participant": "seat in a visit",
    "patient": "patient",
    "patient_merge": "merge of two records",
    "patient_search": "search for patients",
    "practitioner": "practitioner",
    "proxy": "person who acts for a patient",
    "service": "service",
    "session": "sign-in",
    "thread": "messages with a patient",
    "thread_message": "message to or from a patient",
    "user": "account",
    "visit": "visit",
    "visit_list": "list of visits",
}
ACTIONS: Mapping[str, str] = {
    "organisation.set_up": "set up the clinic",
    "organisation.check_set_up": "opened the set-up",
    "organisation.read": "read about the clinic",
    "organisation.change": "changed the clinic’s details",
    "account.begin_sign_in": "began to sign in",
    "account.sign_in": "signed in",
    "account.begin_code": "began to enter a code",
    "account.show_second_factor": "entered the code to sign in",
    "account.enrol_factor": "set up an authenticator app",
    "account.sign_out": "signed out",
    "account.read": "opened their own account",
    "account.list_sessions": "listed where they are signed in",
    "account.end_session": "ended a sign-in of their own",
    "account.step_up": "confirmed with a fresh code",
    "account.change": "changed their own account",
    "account.change_factor": "changed their second factor",
    "account.register": "asked for an account",
    "account.activate": "made an account ready",
    "account.verify_email": "confirmed an e-mail address",
    "account.ask_reset": "asked for a new password",
    "account.reset": "set a new password",
    "account.begin_link": "tried a code or a link",
    "account.authenticate": "was recognised",
    "user.list": "listed who signs in",
    "user.names": "looked up names of staff",
    "user.read": "opened an account",
    "user.create": "invited a member of staff",
    "user.issue_code": "made a code for somebody at the desk",
    "user.change_roles": "changed somebody’s roles",
    "user.disable": "disabled an account",
    "user.enable": "let an account in again",
    "user.recover": "recovered an administrator",
    "user.reset_factor": "reset somebody’s second factor",
    "user.activate_patient": "made an account for a patient",
    "api_key.list": "listed the keys of programs",
    "api_key.create": "made a key for a program",
    "api_key.revoke": "revoked a program’s key",
    "practitioner.list": "listed practitioners",
    "practitioner.create": "added a practitioner",
    "practitioner.change": "changed a practitioner",
    "location.list": "listed the places of the clinic",
    "location.create": "added a place of the clinic",
    "location.change": "changed a place of the clinic",
    "service.list": "listed the services",
    "service.create": "added a service",
    "service.change": "changed a service",
    "service.offer": "said who gives a service",
    "form.list": "listed the forms",
    "form.publish": "published a form",
    "patient.search": "searched for patients",
    "patient.read": "opened a patient’s record",
    "patient.create": "made a patient’s record",
    "patient.change": "changed a patient’s record",
    "patient.invite": "invited a patient to their record",
    "patient.claim": "took over their own record",
    "patient.register": "made their own record",
    "patient.merge": "merged two records",
    "patient.unmerge": "took two records apart again",
    "patient.access_log": "read who opened a record",
    "proxy.list": "listed who acts for a patient",
    "proxy.grant": "let somebody act for a patient",
    "proxy.end": "ended that somebody acts for a patient",
    "availability.list": "looked at somebody’s hours",
    "availability.change": "changed somebody’s hours",
    "slot.list": "looked for a free time",
    "appointment.list": "listed appointments",
    "appointment.read": "opened an appointment",
    "appointment.hold": "kept a time for an appointment",
    "appointment.confirm": "confirmed an appointment",
    "appointment.book": "booked an appointment",
    "appointment.overbook": "booked an appointment over another one or outside of hours",
    "appointment.move": "moved an appointment",
    "appointment.cancel": "cancelled an appointment",
    "appointment.approve": "approved or declined an appointment",
    "appointment.decide": "said what came of an appointment",
    "appointment.correct": "said that an appointment was entered in error",
    "appointment.conflicts": "listed appointments that collide",
    "appointment.record": "noted what came of an appointment",
    "appointment.expire": "let a kept time go",
    "appointment.rederive": "put an appointment by new rules of its time zone",
    "visit.create": "made a visit",
    "visit.walk_in": "came without an appointment",
    "visit.list": "listed visits",
    "visit.read": "opened a visit",
    "visit.expire": "let an unused visit expire",
    "visit.end": "ended a visit",
    "visit.invite": "invited somebody to a visit",
    "visit.revoke": "withdrew a link to a visit",
    "visit.show_link": "showed a link to a visit",
    "visit.renew_link": "made a new link to a visit",
    "visit.enter": "entered a visit",
    "visit.open_link": "opened a link to a visit",
    "visit.recover_link": "asked for a lost link",
    "visit.check_in": "checked in for a visit",
    "visit.read_check_in": "read what was said at check-in",
    "visit.consent": "answered a request for consent",
    "visit.queue": "asked who is next",
    "visit.waiting_room": "looked at the waiting room",
    "visit.say_late": "told those waiting of a delay",
    "visit.read_chat": "read a visit’s chat",
    "visit.read_quality": "looked at how well a call went",
    "visit.note_quality": "noted how well a call went",
    "visit.record": "noted what happened in a call",
    "visit.watch": "looked whether a call may go on",
    "demo.prepare": "prepared the demo",
    "consent_text.list": "listed the texts of consents",
    "consent_text.publish": "published the text of a consent",
    "document.add": "added a document",
    "message.list": "listed messages with patients",
    "message.read": "read messages with a patient",
    "message.write": "wrote a message",
    "message.close": "closed a thread of messages",
    "clinical.read": "read about a patient’s health",
    "clinical.note": "noted something about a patient’s health",
    "clinical.change": "changed what is noted about a patient’s health",
    "clinical.confirm": "confirmed what a patient said",
    "chart.open": "opened a patient’s chart",
    "note.read": "read notes about a patient",
    "note.write": "wrote a note about a patient",
    "note.sign": "signed, added to or withheld a note",
    "note_template.list": "listed templates of notes",
    "note_template.change": "changed a template of notes",
    "document.list": "listed the documents of a patient",
    "document.read": "opened a document",
    "document.release": "released a document to the patient",
    "document.withdraw": "withdrew a document",
    "file.await_scan": "looked for files to check",
    "file.scan": "checked a file for viruses",
    "file.sweep": "looked for files that belong to nothing",
    "outbox.list": "listed messages not sent",
    "outbox.count": "counted messages not sent",
    "outbox.show": "showed a message to hand over",
    "outbox.show_reset": "showed a message with a new password’s link",
    "outbox.retry": "had a message tried again",
    "outbox.withdraw": "withdrew a message",
    "outbox.poll": "looked for messages to send",
    "outbox.settle": "sent a message, or could not",
    "jobs.clean": "removed what is out of date",
    "audit.read": "read the audit",
    "audit.verify": "had the audit checked",
    "backup.make": "made a backup",
    "backup.restore": "restored a backup",
    "keys.export": "wrote the keys into a file",
    "keys.rotate": "made new keys",
}
_PAGES = {"patient": "/patients", "user": "/users", "visit": "/visits"}  # of one by its id
SHORT_ID_CHARS = 8  # enough to tell rows apart; ids end with what is random


def said(table: Mapping[str, str], code: str) -> str:
    """The words of a code; rows of older versions may have one that no table has any more."""
    return table.get(code, code.replace("_", " ").replace(".", ": "))


def who(names: Mapping[str, str], kind: str, actor_id: str) -> str:
    """Somebody by the name, where it may be shown, else by what they are."""
    name = names.get(actor_id) or said(ACTORS, kind)
    return f"{name} ({said({}, actor_id)})" if kind == "system" and actor_id else name


def listed(table: Mapping[str, str], codes: tuple[str, ...]) -> str:
    """Several, with commas."""
    return ", ".join(said(table, code) for code in codes)


def page_of(kind: str, object_id: str) -> str:
    """Where one of these is shown; "" for what has no page."""
    return f"{_PAGES[kind]}/{object_id}" if kind in _PAGES and object_id else ""
