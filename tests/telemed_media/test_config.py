"""Where settings come from, and what happens to wrong ones."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from telemed_media.config import Settings, SettingsError, Value, load_settings, settings_table


def refusal(given: dict[str, Value], environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(given, environ)
    return str(caught.value)


def test_the_command_line_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('port = 1\nhost = "10.0.0.1"\nadvertise = ["10.0.0.9"]\n')
    environ = {"TELEMED_DATA": str(tmp_path), "TELEMED_PORT": "2", "TELEMED_HOST": "10.0.0.2"}
    settings = load_settings({"port": 3}, environ)
    assert (settings.port, settings.host, settings.advertise) == (3, "10.0.0.2", ("10.0.0.9",))


def test_the_data_folder_of_the_command_line_has_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("port = 1\n")
    settings = load_settings({"data": tmp_path}, {"TELEMED_DATA": "/elsewhere"})
    assert (settings.data, settings.port) == (tmp_path, 1)


def test_lists_in_the_environment_are_separated_by_commas() -> None:
    environ = {
        "TELEMED_ADVERTISE": "192.0.2.1, 2001:db8::1",
        "TELEMED_TRUSTED_PROXIES": "10.0.0.0/8",
    }
    settings = load_settings({}, environ)
    assert settings.advertise == ("192.0.2.1", "2001:db8::1")
    assert settings.trusted_proxies == ("10.0.0.0/8",)


def test_an_empty_variable_counts_as_absent() -> None:
    assert load_settings({}, {"TELEMED_PORT": ""}) == Settings()


def test_an_unknown_variable_is_an_error_with_a_suggestion() -> None:
    assert refusal({}, {"TELEMED_PUBLIC_URI": "https://a.example"}) == (
        "TELEMED_PUBLIC_URI is not a setting. Did you mean TELEMED_PUBLIC_URL?"
    )


def test_an_unknown_key_of_the_file_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("adverties = []\n")
    assert refusal({"data": tmp_path}, {}).endswith("is not a setting. Did you mean advertise?")


def test_the_file_cannot_name_the_folder_it_lies_in(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('data = "/elsewhere"\n')
    assert "remove `data`" in refusal({"data": tmp_path}, {})


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("port = \n")
    assert f"{tmp_path}/config.toml cannot be read" in refusal({"data": tmp_path}, {})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("PORT", "https", "PORT: "),
        ("PORT", "65536", "PORT: "),
        ("PUBLIC_URL", "http://call.example", "PUBLIC_URL must look like https://"),
        ("PUBLIC_URL", "https://call.example/path", "PUBLIC_URL must look like https://"),
        ("PUBLIC_URL", "https://call.example:x", "PUBLIC_URL must look like https://"),
        ("PUBLIC_URL", "https://klinik-süd.example", "PUBLIC_URL must look like https://"),
        ("PUBLIC_URL", "https://bob:secret@call.example", "PUBLIC_URL must look like https://"),
        ("ADVERTISE", "call.example", "ADVERTISE: "),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "TRUSTED_PROXIES: "),
        ("TLS_CERT", "/cert.pem", "TLS_CERT and TLS_KEY are needed together"),
        ("WORKERS", "2", "WORKERS can only be 1 for now."),
        ("TURN_URLS", "turns:turn.example:443", "TURN_URLS and TURN_SECRET are needed together"),
        ("MEDIA_TCP_PORT", "65536", "MEDIA_TCP_PORT: "),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_words(name: str, text: str, words: str) -> None:
    assert words in refusal({}, {f"TELEMED_{name}": text})


def test_every_setting_has_its_row_in_the_table() -> None:
    table = settings_table()
    for field in msgspec.structs.fields(Settings):
        assert f"\n| `{field.name.upper()}` " in table
    assert all(len(row.split("|")) == 5 and row.split("|")[3].strip() for row in table.splitlines())


def test_a_mail_server_needs_an_address_to_send_from() -> None:
    message = refusal({}, {"TELEMED_SMTP_URL": "smtp://mail.clinic.example"})
    assert message == "SMTP_URL and MAIL_FROM are needed together: one of them is missing."


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mail.clinic.example", "smtp://"),
        ("http://mail.clinic.example", "smtp://"),
        ("smtp://mail.clinic.example?tls=maybe", "starttls or no"),
        ("smtp://bob:s3cret@mail.clinic.example?tls=no", "in the clear"),
        ("smtp://bob:s3cret@mail.clinic.example:mail", "must look like"),
    ],
)
def test_a_wrong_mail_server_is_told_without_its_password(url: str, why: str) -> None:
    message = refusal({}, {"TELEMED_SMTP_URL": url, "TELEMED_MAIL_FROM": "a@clinic.example"})
    assert message.startswith("SMTP_URL: ")
    assert why in message
    assert "s3cret" not in message


def test_mails_come_from_an_address_without_a_name() -> None:
    environ = {"TELEMED_SMTP_URL": "smtp://localhost", "TELEMED_MAIL_FROM": "Clinic <a@b.example>"}
    assert refusal({}, environ).startswith("MAIL_FROM must be an address alone")


def test_a_wrong_virus_scanner_is_told() -> None:
    message = refusal({}, {"TELEMED_CLAMD_URL": "clamd.clinic.example:3310"})
    assert message.startswith("CLAMD_URL: it must look like unix:/run/clamav/clamd.ctl")


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    url = "postgresql://clinic:secret@db/clinic"
    (tmp_path / "url").write_text(f"{url}\n")
    in_environment = load_settings({}, {"TELEMED_DATABASE_URL_FILE": str(tmp_path / "url")})
    (tmp_path / "config.toml").write_text(f'database_url_file = "{tmp_path}/url"\n')
    in_file = load_settings({"data": tmp_path}, {})
    assert in_environment.database_url == in_file.database_url == url


def test_only_secrets_have_files(tmp_path: Path) -> None:
    assert "TELEMED_PORT_FILE is not a setting." in refusal({}, {"TELEMED_PORT_FILE": "/port"})


def test_a_secret_in_two_places_or_in_a_missing_file_is_refused(tmp_path: Path) -> None:
    missing = str(tmp_path / "url")
    assert refusal({}, {"TELEMED_DATABASE_URL_FILE": missing}) == (
        f"DATABASE_URL_FILE: {missing} cannot be read: No such file or directory."
    )
    both = {"TELEMED_DATABASE_URL_FILE": missing, "TELEMED_DATABASE_URL": "postgresql://db/clinic"}
    assert refusal({}, both) == "DATABASE_URL and DATABASE_URL_FILE are both set."


@pytest.mark.parametrize("url", ["mysql://db/clinic", "postgresql://db", "postgresql://db:x/a"])
def test_a_database_that_is_no_postgresql_is_refused_without_showing_it(url: str) -> None:
    assert refusal({}, {"TELEMED_DATABASE_URL": url}) == (
        "DATABASE_URL must look like postgresql://user:password@host/name."
    )


def test_a_turn_server_is_named_as_browsers_name_it(tmp_path: Path) -> None:
    given: dict[str, Value] = {"data": tmp_path, "turn_secret": "shared with coturn"}
    urls = ("turns:turn.clinic.example:443?transport=tcp", "turn:[2001:db8::1]:3478")
    assert load_settings({**given, "turn_urls": urls}, {}).turn_urls == urls
    for wrong in ("https://turn.clinic.example", "turns:", "turn:a?transport=quic", "turn:a b"):
        with pytest.raises(SettingsError, match="must look like turns:"):
            load_settings({**given, "turn_urls": (wrong,)}, {})
