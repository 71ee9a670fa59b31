"""What mails say, how they are built, and how they are handed in to a real server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.policy import default
from pathlib import Path
from typing import get_args
from urllib.parse import quote

import pytest

from clinic_api.mail.address import BadAddress
from clinic_api.mail.message import build
from clinic_api.mail.rendering import Clinic, Rendered, Wanted, names_in, render
from clinic_api.mail.server import BadSmtpUrl, MailServer, parse_smtp_url
from clinic_api.mail.smtp import SendFailed, Smtp
from clinic_api.mail.texts import LANGUAGES, VARIABLES, language
from clinic_api.outbox import Kind
from tests.clinic_api.mail_server import NAME, PASSWORD, Running, running

KINDS: tuple[Kind, ...] = get_args(Kind)
CLINIC = Clinic(name="Canary Clinic", phone="+33100000000", zone="Europe/Paris")
AT = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)
PATH = "/join#canary.token"
URL = "https://clinic.example"
WANTED = Wanted(path=PATH, at=AT)
EVERY_TEXT = [(tag, kind) for tag in LANGUAGES for kind in KINDS]


def rendered(kind: Kind = "visit.invitation", clinic: Clinic = CLINIC) -> Rendered:
    return render(kind, "en", clinic, WANTED, URL)


def paragraphs(tag: str, kind: Kind) -> Iterator[str]:
    text = LANGUAGES[tag].texts[kind]
    yield from (text.subject, *text.before, text.button, *text.after)


# texts


@pytest.mark.parametrize(("tag", "kind"), EVERY_TEXT)
def test_a_text_names_nothing_but_what_is_allowed(tag: str, kind: Kind) -> None:
    for paragraph in (*paragraphs(tag, kind), *LANGUAGES[tag].footer):
        assert names_in(paragraph) <= VARIABLES
    assert names_in(LANGUAGES[tag].texts[kind].subject) <= {"clinic"}


@pytest.mark.parametrize(("tag", "kind"), EVERY_TEXT)
def test_a_mail_says_clinic_link_time_and_phone_and_nothing_else(tag: str, kind: Kind) -> None:
    mail = render(kind, tag, CLINIC, WANTED, URL)
    has_link = bool(LANGUAGES[tag].texts[kind].button)
    for part in (mail.text, mail.html):
        assert "+33100000000" in part
        assert (URL + PATH in part) == has_link
        assert "{" not in part
        rest = part.replace(URL + PATH, "").replace("Canary Clinic", "")
        assert "canary" not in rest.lower()
    assert mail.link == (URL + PATH if has_link else "")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_known_is_left_out(kind: Kind) -> None:
    mail = render(kind, "en", Clinic(name="Us", phone="", zone="UTC"), Wanted(path=PATH), URL)
    assert "Call" not in mail.text
    assert ": ." not in mail.text
    assert "at ." not in mail.text


def test_times_are_those_of_the_clinic() -> None:
    assert "Thursday, 26 November 2026, 14:30 (Europe/Paris)" in rendered().text


def test_the_nearest_language_is_taken() -> None:
    assert language("en-GB") is language("en") is language("tlh-Latn")


def test_html_shows_what_a_clinic_calls_itself_and_runs_nothing() -> None:
    mail = rendered(clinic=Clinic(name='<b onclick="x">&Co', phone="<1>", zone="UTC"))
    assert "<b" not in mail.html.replace("<body", "")
    assert "&lt;b onclick=&quot;x&quot;&gt;&amp;Co" in mail.html


# messages


def wire(mail: Rendered, recipient: str = "alice@example.org", clinic: str = "Clinic") -> bytes:
    message = build(
        mail,
        recipient=recipient,
        sender="no-reply@clinic.example",
        clinic=clinic,
        message_id="01",
        at=AT,
    )
    return message.as_bytes(policy=WIRE)


def test_a_message_has_both_forms_and_says_that_a_program_sent_it() -> None:
    message = message_from_bytes(wire(rendered()), policy=default)
    assert message["Message-ID"] == "<01@clinic.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "alice@example.org"
    forms = [part.get_content_type() for part in message.walk()]
    assert forms == ["multipart/alternative", "text/plain", "text/html"]


def test_names_in_any_script_arrive() -> None:
    clinic = "Clínica 診療所 “Zum Löwen”"
    mail = rendered(clinic=Clinic(name=clinic, phone="1", zone="UTC"))
    raw = wire(mail, clinic=clinic)
    raw.decode("ascii")
    message = message_from_bytes(raw, EmailMessage, policy=default)
    assert message["From"].addresses[0].display_name == clinic
    assert message["Subject"] == f"{clinic}: your link"
    plain = message.get_body(("plain",))
    assert plain is not None
    assert clinic in plain.get_content()


def test_lines_end_as_mail_wants_and_are_short() -> None:
    raw = wire(rendered(clinic=Clinic(name="é" * 120, phone="1", zone="UTC")), clinic="é" * 120)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"=0D" not in raw
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998  # RFC 5322 2.1.1


def test_a_clinic_s_name_slips_no_header_in() -> None:
    evil = "Clinic\r\nBcc: charlie@example.org\n\nHello\u2028\x00"
    mail = rendered(clinic=Clinic(name=evil, phone=evil, zone="UTC"))
    message = message_from_bytes(wire(mail, clinic=evil), policy=default)
    assert message["Bcc"] is None
    assert "\n" not in mail.subject


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "alice",
        "@example.org",
        "alice@",
        "alice@example.org\r\nBcc: charlie@example.org",
        "alice@example.org, charlie@example.org",
        "Alice <alice@example.org>",
        "alice@exa mple.org",
        "alice@example.org\x00",
        "alice@" + "a" * 70 + ".org",
    ],
)
def test_what_is_no_address_is_refused(recipient: str) -> None:
    with pytest.raises(BadAddress):
        wire(rendered(), recipient)


def test_a_domain_in_any_script_is_written_in_ascii() -> None:
    message = message_from_bytes(wire(rendered(), "alice@bücher.example"), policy=default)
    assert message["To"] == "alice@xn--bcher-kva.example"


# the server's address


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer(host="mail.example", port=587, tls="starttls")),
        ("smtp://mail.example:25?tls=no", MailServer(host="mail.example", port=25, tls="no")),
        ("smtps://[::1]", MailServer(host="::1", port=465, tls="implicit")),
        (
            "smtps://a%40b:c%3A%2Fd@mail.example:1465/",
            MailServer(host="mail.example", port=1465, tls="implicit", user="a@b", password="c:/d"),
        ),
    ],
)
def test_an_smtp_url_says_where_and_how(url: str, server: MailServer) -> None:
    assert parse_smtp_url(url) == server


@pytest.mark.parametrize(
    "url", ["", "smtp://", "smtp://a@b", "smtp://a/b", "smtps://a?tls=no", "smtp://a?ssl=1"]
)
def test_a_wrong_smtp_url_is_refused(url: str) -> None:
    with pytest.raises(BadSmtpUrl):
        parse_smtp_url(url)


# handing in


def client(server: Running, url: str = "", *, own_trust: bool = False) -> Smtp:
    login = f"{NAME}:{quote(PASSWORD, safe='')}@"
    given = parse_smtp_url(url or f"smtp://{login}localhost:{server.port}")
    trust = ssl.create_default_context() if own_trust else server.trust
    return Smtp(given, "clinic.example", trust)


async def hand_in(smtp: Smtp, recipient: str = "alice@example.org") -> None:
    message = build(
        rendered(),
        recipient=recipient,
        sender="no-reply@clinic.example",
        clinic="Clínica",
        message_id="01",
        at=AT,
    )
    await smtp.send(message)


async def failure(smtp: Smtp) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await hand_in(smtp)
    await smtp.close()
    return caught.value


async def test_mails_go_out_encrypted_and_signed_in_over_one_connection(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        smtp = client(server)
        await hand_in(smtp)
        await hand_in(smtp)
        await smtp.close()
    assert server.box.over_tls == [True, True]
    assert server.box.greetings == ["clinic.example", "clinic.example"]  # before, after STARTTLS
    assert server.box.envelopes[0].rcpt_tos == ["alice@example.org"]
    assert "https://clinic.example" in str(server.box.messages[0].get_body())


async def test_tls_from_the_first_byte_works_too(tmp_path: Path) -> None:
    async with running(tmp_path, "implicit") as server:
        login = f"{NAME}:{quote(PASSWORD, safe='')}"
        smtp = client(server, f"smtps://{login}@localhost:{server.port}")
        await hand_in(smtp)
        await smtp.close()
    assert server.box.over_tls == [True]


async def test_in_the_clear_only_when_the_setting_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, "no") as server:
        refused = await failure(client(server, f"smtp://localhost:{server.port}"))
        smtp = client(server, f"smtp://localhost:{server.port}?tls=no")
        await hand_in(smtp)
        await smtp.close()
    assert (refused.reason, refused.connection) == ("no_starttls", True)
    assert server.box.over_tls == [False]


async def test_a_server_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        unknown = await failure(client(server, own_trust=True))
    async with running(tmp_path, name="elsewhere.example") as wrong:
        misnamed = await failure(client(wrong))
    assert unknown.reason == misnamed.reason == "certificate_refused"
    assert not server.box.envelopes + wrong.box.envelopes


@pytest.mark.parametrize(
    ("replies", "reason", "final", "connection"),
    [
        ("refusals", "message_deferred", False, False),
        ("refusals", "message_refused", True, False),
        ("recipient_refusals", "recipient_deferred", False, False),
        ("recipient_refusals", "recipient_refused", True, False),
        ("refusals", "server_busy", False, True),
    ],
)
async def test_a_refusal_says_whether_it_may_succeed_later(
    tmp_path: Path, replies: str, reason: str, final: bool, connection: bool
) -> None:
    code = {"deferred": "451", "refused": "550", "busy": "421"}[reason.split("_")[1]]
    async with running(tmp_path) as server:
        getattr(server.box, replies).append(f"{code} no")
        smtp = client(server)
        failed = await failure(smtp)
        await hand_in(smtp)  # the next one goes
        await smtp.close()
    assert (failed.reason, failed.final, failed.connection) == (reason, final, connection)
    assert len(server.box.envelopes) == 1


async def test_a_wrong_password_and_a_silent_port_are_told_apart(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        wrong = await failure(client(server, f"smtp://{NAME}:x@localhost:{server.port}"))
    gone = await failure(client(server))
    assert (wrong.reason, gone.reason) == ("sign_in_refused", "unreachable")
    assert wrong.connection
    assert gone.connection
