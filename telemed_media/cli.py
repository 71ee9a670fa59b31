"""The command line: serving, tokens for calls, and keeping the data.

What programs read goes to stdout (one JSON line, one token), what people read to stderr. Heavy
modules are imported inside the commands, so that help and errors come at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from telemed_media.config import Settings, Value
    from telemed_media.supervisor import Announcement

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
audit = typer.Typer(help="The record of who did what.", no_args_is_help=True)
app.add_typer(audit, name="audit")
keys_app = typer.Typer(help="The keys of the data.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
admin = typer.Typer(help="Who may administrate the clinic.", no_args_is_help=True)
app.add_typer(admin, name="admin")

DataOption = Annotated[Path | None, typer.Option("--data", help="Data folder (default ./var).")]


@app.callback()
def telemed_media() -> None:
    """Telemed Media, a self-hosted telemedicine server."""


@app.command()
def serve(
    demo: Annotated[
        bool, typer.Option("--demo", help="Open a room with a link for a doctor and a patient.")
    ] = False,
    data: DataOption = None,
    port: Annotated[
        int | None, typer.Option(help="TCP and UDP port (default 8443); 0 takes any free one.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address or name to listen on.")] = None,
    advertise: Annotated[
        list[str] | None, typer.Option(help="Address that browsers send media to; repeatable.")
    ] = None,
    public_url: Annotated[
        str | None, typer.Option(help="Address that people open, as https://call.clinic.example.")
    ] = None,
) -> None:
    """Serve calls until stopped; prints one line of JSON when ready."""
    from certs.pair import CertificateError
    from telemed_media import logs, supervisor
    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, mark_demo, prepare
    from telemed_media.reach import ReachError
    from telemed_media.supervised import StartError

    given: dict[str, Value | None] = {
        "data": data,
        "port": port,
        "host": host,
        "advertise": tuple(advertise) if advertise else None,
        "public_url": public_url,
    }
    logs.configure("supervisor", sys.stderr)
    try:
        settings = _settings(given)
        folder = prepare(settings.data)
        folder = mark_demo(folder) if demo else folder
        if folder.demo and not demo:
            _say(f"[yellow]{folder.root} is a demo folder: keep no real data in it.[/yellow]")
        supervisor.serve(settings, folder, _announcer(show_links=demo or sys.stdout.isatty()))
    except (SettingsError, DataFolderError, ReachError, CertificateError, StartError) as error:
        _fail(str(error))


@app.command()
def token(
    room: Annotated[str, typer.Option(help="Opaque id of the room; it is opened if need be.")],
    name: Annotated[str, typer.Option(help="Name that the others see.")],
    can: Annotated[
        str, typer.Option(help="Rights, separated by commas: publish, subscribe, moderate, chat.")
    ] = "publish,subscribe,chat",
    ttl: Annotated[float, typer.Option(min=1, help="Seconds until the token expires.")] = 300,
    device: Annotated[
        bool, typer.Option("--device", help="For a machine: may be used again until it expires.")
    ] = False,
    admitted: Annotated[
        bool, typer.Option("--admitted", help="Past the waiting room; moderators always are.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Print a call token for the instance in the data folder, alone on stdout."""
    import asyncio

    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, existing
    from telemed_media.tokens import TokenError, TokenRequest, make_token

    request = TokenRequest(room, name, can, ttl, device, admitted)
    try:
        settings = _settings({"data": data})
        folder = existing(settings.data)
        made = asyncio.run(make_token(folder, settings.database_url, request))
    except (SettingsError, DataFolderError, TokenError) as error:
        _fail(str(error))
    sys.stdout.write(made + "\n")


@app.command("set-up-link")
def set_up_link(data: DataOption = None) -> None:
    """Print the one-time link by which the clinic is set up, alone on stdout."""
    import asyncio

    from telemed_media.clinic_faces import NotToSetUp, print_set_up_link
    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, existing
    from telemed_media.reach import ReachError

    try:
        settings = _settings({"data": data})
        link = asyncio.run(print_set_up_link(existing(settings.data), settings))
    except (SettingsError, DataFolderError, NotToSetUp, ReachError) as error:
        _fail(str(error))
    sys.stdout.write(link + "\n")


@app.command()
def revoke(data: DataOption = None) -> None:
    """Withdraw the call token on standard input, where no list of processes shows it.

    Whoever is in the call by it has to leave within seconds.
    """
    import asyncio

    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, existing
    from telemed_media.tokens import TokenError, revoke_token

    try:
        settings = _settings({"data": data})
        token = sys.stdin.read().strip()
        asyncio.run(revoke_token(existing(settings.data), settings.database_url, token))
    except (SettingsError, DataFolderError, TokenError) as error:
        _fail(str(error))


@audit.command()
def verify(data: DataOption = None) -> None:
    """Verify the audit: exit code 0 when it is whole, 1 when a row is not as it was written."""
    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, existing
    from telemed_media.keeping import KeepingError, verify_audit

    try:
        settings = _settings({"data": data})
        verdict = verify_audit(existing(settings.data), settings.database_url)
    except (SettingsError, DataFolderError, KeepingError) as error:
        _fail(str(error))
    sys.stdout.write(verdict.sentence + "\n")
    if verdict.fault is not None:
        raise typer.Exit(1)


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Option(help="The file to write (default: in the folder's backups/).")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Write the keys into this file too, to be kept elsewhere.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Write database, files and audit into one sealed file; the server may run."""
    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, existing
    from telemed_media.keeping import KeepingError, back_up_folder, export_folder_keys

    try:
        settings = _settings({"data": data})
        folder = existing(settings.data)
        made = back_up_folder(folder, settings.database_url, to)
        if keys is not None:
            export_folder_keys(folder, settings.database_url, keys)
    except (SettingsError, DataFolderError, KeepingError) as error:
        _fail(str(error))
    sys.stdout.write(f"{made}\n")
    _say(f"The backup is in {made}. Its keys are not in it; without them nobody can read it.")
    if keys is None:
        _say(f"They are in {folder.keys}. With --keys FILE they are written into a file, too.")
    else:
        _say(f"They are in {keys.absolute()}: keep that file in another place than the backup.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    keys: Annotated[Path, typer.Option(help="The file that `backup --keys` wrote.")],
    data: Annotated[Path, typer.Option(help="A new data folder, or an empty one.")],
) -> None:
    """Make a data folder from a backup and verify its audit: exit code 1 when it is not whole."""
    from telemed_media.config import SettingsError
    from telemed_media.keeping import KeepingError, restore_folder

    try:
        settings = _settings({"data": data})
        verdict = restore_folder(file, keys, settings.data, settings.database_url)
    except (SettingsError, KeepingError) as error:
        _fail(str(error))
    sys.stdout.write(verdict.sentence + "\n")
    if verdict.fault is not None:
        raise typer.Exit(1)


@keys_app.command()
def rotate(data: DataOption = None) -> None:
    """Take new keys for what is sealed from now on; the server has to be stopped for it."""
    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, existing
    from telemed_media.keeping import KeepingError, rotate_folder_keys

    try:
        settings = _settings({"data": data})
        made = rotate_folder_keys(existing(settings.data), settings.database_url)
    except (SettingsError, DataFolderError, KeepingError) as error:
        _fail(str(error))
    sys.stdout.write(f"{made}\n")
    _say("Older key files open older backups. Write the keys anew with `backup --keys FILE`.")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array on stdout.")] = False,
    data: DataOption = None,
) -> None:
    """Look for what is wrong, media included, and say how to mend it: exit code 1 on faults.

    Joins a room of its own through the running server over each transport that there is.
    """
    import asyncio

    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, existing
    from telemed_media.probe.doctor import examine
    from telemed_media.probe.report import as_lines, as_one_json
    from telemed_media.probe.verdict import has_fault
    from telemed_media.reach import ReachError

    try:
        settings = _settings({"data": data})
        findings = asyncio.run(examine(existing(settings.data), settings))
    except (SettingsError, DataFolderError, ReachError) as error:
        _fail(str(error))
    sys.stdout.write(as_one_json(findings) if as_json else as_lines(findings))
    if has_fault(findings):
        raise typer.Exit(1)


@admin.command()
def recover(
    login: Annotated[str, typer.Argument(help="The name that the person signs in with.")],
    data: DataOption = None,
) -> None:
    """Begin a login anew as an administrator, when none can sign in; prints a code to activate it.

    Its password, factors and sessions are gone. The audit says that the console did it.
    """
    from rich.markup import escape

    from telemed_media.config import SettingsError
    from telemed_media.data_folder import DataFolderError, existing
    from telemed_media.recovery import RecoveryError, recover

    try:
        settings = _settings({"data": data})
        begun = recover(existing(settings.data), settings, login)
    except (SettingsError, DataFolderError, RecoveryError) as error:
        _fail(str(error))
    sys.stdout.write(f"{begun.code}\n")
    _say(escape(f"{begun.login} is an administrator again, with a new password and a new app."))
    _say(f"Open {begun.address} and give this name and the code above, by {begun.until}.")


def _settings(given: dict[str, Value | None]) -> Settings:
    from telemed_media.config import load_settings

    flags = {name: value for name, value in given.items() if value is not None}
    return load_settings(flags, os.environ)


def _announcer(*, show_links: bool) -> Callable[[Announcement], None]:
    """Prints the ready line for programs and, on a terminal, the addresses for people."""
    import msgspec

    def announce(ready: Announcement) -> None:
        shown = ready if show_links else msgspec.structs.replace(ready, links={})
        if sys.stdout.isatty():
            _say(f"Ready at [bold]{shown.url}[/bold]")
            for who, link in shown.links.items():
                _say(f"  {who}: {link}")
        sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
        sys.stdout.flush()

    return announce


def _say(text: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(text)


def _fail(text: str) -> NoReturn:
    from rich.markup import escape

    _say(f"[red]{escape(text)}[/red]")
    raise typer.Exit(2)
