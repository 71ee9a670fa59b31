"""The clinic's API and pages in the front, with one way to find out who asks."""

from __future__ import annotations

from aiohttp.web import Application

from certs.addresses import read_interfaces
from clinic_api.actor import system
from clinic_api.api import add_api, description
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.organisation.model import Organisation, ReadOrganisation
from clinic_api.organisation.service import read_organisation, setup_token
from clinic_api.visits.joining import participant_actor
from telemed_media.clinic import open_clinic
from telemed_media.config import Settings
from telemed_media.data_folder import URL_FILE, DataFolder
from telemed_media.reach import plan_reach, resolve_host
from web.api_docs import add_api_docs
from web.calendar_feed import add_calendar_feeds
from web.portal.routes import add_portal

SET_UP_PATH = "/set-up#"


def add_clinic(app: Application, database: Database) -> None:
    """Adds every operation and every page."""
    authenticate = authenticator(database, of_user, participant_actor)
    add_api(app, database, authenticate)
    add_api_docs(app, description())
    add_portal(app, database, authenticate)
    add_calendar_feeds(app, database)


class NotToSetUp(Exception):
    """There is no link; the message is for the person who asked."""


async def print_set_up_link(folder: DataFolder, settings: Settings) -> str:
    """The link, with the address of the running server. Raises NotToSetUp, ReachError."""
    url = served_address(folder, settings)
    database = await open_clinic(folder, settings.database_url, url)
    async with database:
        links = await set_up_links(database, url)
    if not links:
        raise NotToSetUp("This clinic is set up already: sign in at /sign-in.")
    return next(iter(links.values()))


def served_address(folder: DataFolder, settings: Settings) -> str:
    """Where the server runs or ran last; before its first start, where the settings put it.

    Raises ReachError.
    """
    served = folder.run / URL_FILE
    if settings.public_url or served.exists():
        return settings.public_url or served.read_text()
    reach = plan_reach(resolve_host(settings.host), settings.advertise, read_interfaces())
    return f"https://{reach.shown_host}:{settings.port}"


async def set_up_links(database: Database, public_url: str) -> dict[str, str]:
    """The one-time link of an installation that is not set up yet, else nothing."""
    clinic: Organisation = await database.read(
        lambda tx: read_organisation(tx, system("console"), ReadOrganisation())
    )
    if clinic.state == "ready":
        return {}
    token = setup_token(database.keys, clinic.id)
    return {"set up the clinic": f"{public_url}{SET_UP_PATH}{token}"}
