"""How the people of the clinic's world send and fetch documents over HTTP."""

from __future__ import annotations

import io
import json
from pathlib import Path

from aiohttp import ClientResponse, FormData

from clinic_api.actor import Actor
from clinic_api.http.server import API
from tests.clinic_api.files.samples import pdf
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.world import World


def form(data: bytes, name: str, **fields: str) -> FormData:
    """The fields, then the file."""
    made = FormData(quote_fields=False)  # names in UTF-8, as browsers send them
    for key, value in fields.items():
        made.add_field(key, value)
    made.add_field("file", io.BytesIO(data), filename=name, content_type="application/octet-stream")
    return made


class Desk:
    """Sends as one of the people."""

    def __init__(self, client: Client, world: World) -> None:
        self.client = client
        self.world = world
        self.patient_id = world.ids["patient_id"]
        self.path = f"{API}/patients/{self.patient_id}/documents"

    async def add(
        self,
        who: str,
        data: bytes = pdf(),
        name: str = "letter.pdf",
        *,
        key: str = "",
        **fields: str,
    ) -> ClientResponse:
        headers = dict(self.world.people[who].headers)
        if key:
            headers["Idempotency-Key"] = key
        body = form(data, name, **fields)
        return await self.client.post(self.path, data=body, headers=headers)

    async def added(self, who: str, **given: str) -> dict[str, object]:
        """A document that was taken."""
        answer = await self.add(who, **given)  # type: ignore[arg-type]
        assert answer.status == 201, await answer.text()
        return dict(await answer.json())

    async def file(self, who: str, document_id: object, **headers: str) -> ClientResponse:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(
            f"{API}/documents/{document_id}/file", headers=self.world.people[who].headers | more
        )

    async def change(self, who: str, document: dict[str, object], event: str) -> ClientResponse:
        headers = {"If-Match": f'"{document["version"]}"', **self.world.people[who].headers}
        path = f"{API}/documents/{document['id']}/{event}"
        return await self.client.post(path, headers=headers)

    async def listed(self, who: str) -> list[object]:
        """Ids, newest first, without the one that the world began with."""
        answer = await self.client.get(self.path, headers=self.world.people[who].headers)
        assert answer.status == 200
        ids = [each["id"] for each in (await answer.json())["items"]]
        return [each for each in ids if each != self.world.ids["document_id"]]


async def code_of(answer: ClientResponse) -> str:
    """The code of a refusal."""
    return str(json.loads(await answer.read())["code"])


def on_disk(folder: Path) -> list[Path]:
    """Every file below `files`, drafts too."""
    return [path for path in (folder / "files").rglob("*") if path.is_file()]


def hers(alice: Actor) -> str:
    """The id of her record."""
    (patient_id,) = alice.patient_ids
    return patient_id
