"""The settings: one frozen type, read once.

A value comes from the command line, else from `TELEMED_<NAME>`, else from `config.toml` in the data
folder, else from the default here. A name that nobody knows is an error with a suggestion: a
misspelt setting must not silently fall back to its default. A secret `X` may also lie in a file
that `X_FILE` names. `settings_table` writes the table of the README from the same type.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from clinic_api.files.clamd import parse_clamd_url
from clinic_api.mail.address import BadAddress, parse_address
from clinic_api.mail.server import parse_smtp_url

PREFIX = "TELEMED_"
FILE_NAME = "config.toml"
FILE_SUFFIX = "_file"  # of the setting that names the file of a secret
SECRET = {"secret": True}  # in the Meta of a setting that must not be seen

# RFC 7065 section 3.1
TURN_URL = re.compile(r"turns?:[A-Za-z0-9.\[\]:-]+(\?transport=(udp|tcp))?", re.ASCII)

Value: TypeAlias = str | int | Path | tuple[str, ...]


class SettingsError(Exception):
    """A setting that cannot be used; the message is for the person who wrote it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set. Relative paths start at the working folder."""

    data: Annotated[
        Path,
        Meta(description="Data folder. Only as `--data` or in the environment."),
    ] = Path("./var")
    public_url: Annotated[
        str,
        Meta(
            description="Address that people open, as `https://call.clinic.example`; needed behind "
            "a proxy. Empty: made from `HOST` and `PORT`."
        ),
    ] = ""
    host: Annotated[
        str,
        Meta(
            description="Address or name to listen on. `::` is every address of the machine, "
            "`0.0.0.0` every IPv4 address; UDP then leaves loopback out."
        ),
    ] = "::"
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="TCP port of HTTPS and UDP port of the media; 0 takes any that is free. "
            "Below 1024 browsers send media only to 80 and 443, and only at public addresses.",
        ),
    ] = 8443
    media_tcp_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="One more TCP port, for media where UDP is blocked (ICE-TCP, TURN over "
            "TLS); needed behind a proxy that ends TLS. 0: at `PORT`, beside HTTPS.",
        ),
    ] = 0
    turn_urls: Annotated[
        tuple[str, ...],
        Meta(
            description="TURN servers to use in the place of our own, as "
            "`turns:turn.clinic.example:443?transport=tcp`: a coturn with `use-auth-secret`."
        ),
    ] = ()
    turn_secret: Annotated[
        str,
        Meta(description="`static-auth-secret` of those; needed with `TURN_URLS`.", extra=SECRET),
    ] = ""
    advertise: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses that browsers send media to, where they are not the "
            "machine's own (NAT, containers) or not all of them. Loopback is used only when named."
        ),
    ] = ()
    tls_cert: Annotated[
        Path | None,
        Meta(description="Certificate chain in PEM, the server's own first. Empty: made here."),
    ] = None
    tls_key: Annotated[
        Path | None, Meta(description="Private key of `TLS_CERT` in PEM, without a password.")
    ] = None
    database_url: Annotated[
        str,
        Meta(
            description="`postgresql://user:password@host/name`; empty: SQLite in the data folder.",
            extra=SECRET,
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks whose `X-Forwarded-For` is believed."),
    ] = ()
    workers: Annotated[int, Meta(description="Media workers; only 1 for now.")] = 1
    smtp_url: Annotated[
        str,
        Meta(
            description="Mail server, as `smtp://name:password@mail.clinic.example:587` (STARTTLS; "
            "`?tls=no` for a relay on this machine) or `smtps://…:465`. Empty: staff hand links "
            "over themselves.",
            extra=SECRET,
        ),
    ] = ""
    mail_from: Annotated[
        str, Meta(description="Address that mails come from; needed with `SMTP_URL`.")
    ] = ""
    clamd_url: Annotated[
        str,
        Meta(
            description="Virus scanner (ClamAV's clamd), as `unix:/run/clamav/clamd.ctl` or "
            "`tcp:127.0.0.1:3310`. With it nobody gets a file before it was scanned. Empty: files "
            "are not scanned."
        ),
    ] = ""


def load_settings(given: Mapping[str, Value], environ: Mapping[str, str]) -> Settings:
    """The settings from command line, environment and file. Raises SettingsError in words."""
    from_environment = _from_environment(environ)
    data = given.get("data") or from_environment.get("data") or Settings().data
    merged = {**_from_file(Path(str(data)) / FILE_NAME), **from_environment, **given}
    try:
        settings = msgspec.convert(merged, Settings, strict=False, dec_hook=_convert_path)
    except msgspec.ValidationError as error:
        raise SettingsError(_in_words(error)) from error
    _check(settings)
    return settings


def settings_table() -> str:
    """The settings as a Markdown table: name, default, meaning."""
    rows = [
        f"| {_named(field)} | {_shown(field.default)} | {_meta(field.type).description} |"
        for field in msgspec.structs.fields(Settings)
    ]
    return "\n".join(["| Setting | Default | Meaning |", "|---|---|---|", *rows])


def _from_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    """Empty variables count as absent, as compose files write them."""
    names = {PREFIX + name.upper(): name for name in _known()}
    found: dict[str, Value] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        if variable not in names:
            raise SettingsError(f"{variable} is not a setting.{_suggestion(variable, names)}")
        if text:
            found[names[variable]] = _split(text) if names[variable] in _lists() else text
    return _with_secrets(found)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from error
    for name in found:
        if name == "data":
            raise SettingsError(
                f"{path} lies in the data folder, so it cannot name it: remove `data`."
            )
        if name not in _known():
            raise SettingsError(
                f"`{name}` in {path} is not a setting.{_suggestion(name, _known())}"
            )
    return _with_secrets(found)


def _with_secrets(found: dict[str, Any]) -> dict[str, Any]:
    """What one source says, each secret read from the file that it names for it."""
    settings = {name: value for name, value in found.items() if name in _names()}
    for name in _secrets():
        file = found.get(name + FILE_SUFFIX)
        if file is None:
            continue
        if name in settings:
            raise SettingsError(f"{name.upper()} and {name.upper()}_FILE are both set.")
        settings[name] = _read_secret(name, Path(str(file)))
    return settings


def _read_secret(name: str, path: Path) -> str:
    """One line; a line break at its end is not part of it."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError:
        reason = "it is no text"
    raise SettingsError(f"{name.upper()}_FILE: {path} cannot be read: {reason}.")


def _check(settings: Settings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("TLS_CERT and TLS_KEY are needed together: one of them is missing.")
    if settings.workers != 1:
        raise SettingsError("WORKERS can only be 1 for now.")
    if settings.public_url and not _is_origin(settings.public_url):
        raise SettingsError(
            "PUBLIC_URL must look like https://call.clinic.example or "
            f"https://call.clinic.example:8443, without a path; it is {settings.public_url}."
        )
    _check_mail(settings)
    if settings.clamd_url:
        _check_parse("CLAMD_URL", settings.clamd_url, parse_clamd_url)
    if settings.database_url and not _is_postgres(settings.database_url):
        raise SettingsError("DATABASE_URL must look like postgresql://user:password@host/name.")
    _check_turn(settings)
    for address in settings.advertise:
        _check_parse("ADVERTISE", address, ipaddress.ip_address)
    for network in settings.trusted_proxies:
        _check_parse("TRUSTED_PROXIES", network, ipaddress.ip_network)


def _check_turn(settings: Settings) -> None:
    if bool(settings.turn_urls) != bool(settings.turn_secret):
        raise SettingsError(
            "TURN_URLS and TURN_SECRET are needed together: one of them is missing."
        )
    for url in settings.turn_urls:
        if not TURN_URL.fullmatch(url):
            raise SettingsError(
                f"TURN_URLS: {url} must look like turns:turn.clinic.example:443?transport=tcp."
            )


def _check_mail(settings: Settings) -> None:
    if bool(settings.smtp_url) != bool(settings.mail_from):
        raise SettingsError("SMTP_URL and MAIL_FROM are needed together: one of them is missing.")
    if not settings.smtp_url:
        return
    _check_parse("SMTP_URL", settings.smtp_url, parse_smtp_url)
    try:
        parse_address(settings.mail_from)
    except BadAddress as error:
        raise SettingsError(
            "MAIL_FROM must be an address alone, such as no-reply@clinic.example."
        ) from error


def _check_parse(name: str, text: str, parse: Any) -> None:
    try:
        parse(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}.") from error


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return False
    plain = url.isascii() and "@" not in parts.netloc and not parts.path + parts.query
    return parts.scheme == "https" and bool(parts.hostname) and plain and "#" not in url


def _is_postgres(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return False
    return parts.scheme == "postgresql" and len(parts.path) > 1


def _in_words(error: msgspec.ValidationError) -> str:
    """msgspec says "Expected `int`, got `str` - at `$.port`"."""
    problem, _, place = str(error).partition(" - at `$.")
    return f"{re.sub('[^a-z_].*', '', place).upper()}: {problem}."


def _convert_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise TypeError("Expected a path")


def _names() -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(Settings)]


def _secrets() -> list[str]:
    return [f.encode_name for f in msgspec.structs.fields(Settings) if _meta(f.type).extra]


def _known() -> list[str]:
    """Every name that may be set."""
    return _names() + [name + FILE_SUFFIX for name in _secrets()]


def _lists() -> set[str]:
    return {f.encode_name for f in msgspec.structs.fields(Settings) if f.default == ()}


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _shown(default: object) -> str:
    return "" if default in ("", None, ()) else f"`{default}`"


def _named(field: msgspec.structs.FieldInfo) -> str:
    name = field.encode_name.upper()
    return f"`{name}` or `{name}_FILE`" if _meta(field.type).extra else f"`{name}`"


def _meta(annotated: Any) -> Meta:
    meta: Meta = annotated.__metadata__[0]
    return meta
