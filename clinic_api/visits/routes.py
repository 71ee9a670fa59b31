"""Operations on visits under /api/v1."""

from __future__ import annotations

from clinic_api.http.route import Route
from clinic_api.paging import Page
from clinic_api.visits import intake
from clinic_api.visits.call_quality import QualityOf, VisitQuality, read_quality
from clinic_api.visits.chat import ChatLine, ReadChat, read_chat
from clinic_api.visits.checking_in import (
    CheckInOf,
    CheckInView,
    SayWhere,
    check_in,
    read_check_in,
)
from clinic_api.visits.consent_store import ConsentText
from clinic_api.visits.consenting import (
    AnswerConsent,
    Asked,
    ConsentsOf,
    ListTexts,
    PublishText,
    TextPage,
    answer_consent,
    list_texts,
    publish_text,
    read_consents,
)
from clinic_api.visits.flows import enter
from clinic_api.visits.intake import (
    IntakeOf,
    IntakeView,
    SendIntake,
    WriteIntake,
    read_intake,
    save_intake,
    send_intake,
)
from clinic_api.visits.invitations import Invite, OneSeat, invite, renew_link, revoke, show_link
from clinic_api.visits.inviting import Asked as RecoveryAsked
from clinic_api.visits.inviting import RecoverLink, recover_link
from clinic_api.visits.joining import (
    Enter,
    Entered,
    LinkView,
    OpenLink,
    TakeSeat,
    open_link,
    take_seat,
)
from clinic_api.visits.seats import Link
from clinic_api.visits.service import (
    CreateInstantVisit,
    InstantVisit,
    ListVisits,
    OneVisit,
    WalkIn,
    create_instant_visit,
    end_visit,
    list_visits,
    read_visit,
    walk_in,
)
from clinic_api.visits.survey import (
    AnswerByLink,
    AnswerSurvey,
    SurveyResults,
    SurveysOf,
    answer_by_link,
    answer_survey,
    read_surveys,
)
from clinic_api.visits.third_parties import SayAgreement, say_agreement
from clinic_api.visits.views import VisitView
from clinic_api.visits.waiting import (
    QueueOf,
    QueuePlace,
    SayLate,
    WaitingRoom,
    WaitingRoomOf,
    read_queue,
    read_waiting_room,
    say_late,
)

_VISIT = "/visits/{visit_id}"
_SEATS = f"{_VISIT}/participants"
_SEAT = _SEATS + "/{participant_id}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/visits", list_visits, ListVisits, Page[VisitView]),
    Route("POST", "/visits", create_instant_visit, CreateInstantVisit, InstantVisit, status=201),
    Route("POST", "/walk-ins/{address}", walk_in, WalkIn, InstantVisit, status=201),
    Route("GET", _VISIT, read_visit, OneVisit, VisitView),
    Route("POST", f"{_VISIT}/end", end_visit, OneVisit, VisitView),
    # who comes
    Route("POST", _SEATS, invite, Invite, Link, status=201),
    Route("GET", f"{_SEAT}/link", show_link, OneSeat, Link),
    Route("POST", f"{_SEAT}/link", renew_link, OneSeat, Link),
    Route("POST", f"{_SEAT}/revoke", revoke, OneSeat, VisitView),
    Route("POST", f"{_SEAT}/agreement", say_agreement, SayAgreement, VisitView),
    # coming; tokens are in bodies, because addresses are written down on the way
    Route("POST", "/links/open", open_link, OpenLink, LinkView),
    Route("POST", "/links/enter", enter, Enter, Entered),
    Route("POST", "/links/recover", recover_link, RecoverLink, RecoveryAsked),
    Route("POST", f"{_VISIT}/enter", take_seat, TakeSeat, Entered),
    # before the call
    Route("GET", f"{_VISIT}/consents", read_consents, ConsentsOf, Asked),
    Route("POST", f"{_VISIT}/consents", answer_consent, AnswerConsent, Asked),
    Route("GET", f"{_VISIT}/check-in", read_check_in, CheckInOf, CheckInView),
    Route("POST", f"{_VISIT}/check-in", check_in, SayWhere, CheckInView),
    Route("GET", f"{_VISIT}/intake", read_intake, IntakeOf, IntakeView),
    Route(
        "PUT",
        f"{_VISIT}/intake",
        save_intake,
        WriteIntake,
        IntakeView,
        max_body_bytes=intake.MAX_BODY_BYTES,
    ),
    Route(
        "POST",
        f"{_VISIT}/intake/send",
        send_intake,
        SendIntake,
        IntakeView,
        max_body_bytes=intake.MAX_BODY_BYTES,
    ),
    Route("GET", f"{_VISIT}/queue", read_queue, QueueOf, QueuePlace),
    Route("POST", f"{_VISIT}/late", say_late, SayLate, VisitView),
    Route(
        "GET",
        "/practitioners/{practitioner_id}/waiting-room",
        read_waiting_room,
        WaitingRoomOf,
        WaitingRoom,
    ),
    # after it
    Route("GET", f"{_VISIT}/chat", read_chat, ReadChat, Page[ChatLine]),
    Route("GET", f"{_VISIT}/quality", read_quality, QualityOf, VisitQuality),
    Route("POST", f"{_VISIT}/survey", answer_survey, AnswerSurvey, None),
    Route("POST", "/links/survey", answer_by_link, AnswerByLink, None),
    Route(
        "GET", "/practitioners/{practitioner_id}/surveys", read_surveys, SurveysOf, SurveyResults
    ),
    # texts
    Route("GET", "/consent-texts", list_texts, ListTexts, TextPage),
    Route("POST", "/consent-texts", publish_text, PublishText, ConsentText, status=201),
)
