"""The copy of a record as one archive, made while it is sent: nothing of it is ever on a disk.

    index.html           everything, readable offline
    record.pdf           the same on paper; what is long goes on in record-2.pdf, …
    record.fhir.json     the same for programs: a Bundle of FHIR R4
    files/               the documents as they were brought

Held at once are one part of the record, the text of one paper and a few chunks of one file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from itertools import islice
from zoneinfo import ZoneInfo

import structlog

from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.export import words
from clinic_api.export.fhir import resources_of
from clinic_api.export.fhir_values import BUNDLE_END, bundle_begin, bundle_entry
from clinic_api.export.model import Export
from clinic_api.export.pages import page_begin, page_end, page_part
from clinic_api.export.paper import Paper, page_size
from clinic_api.export.parts import Person
from clinic_api.export.press import printed
from clinic_api.export.reading import documents_of, parts_of, path_of
from clinic_api.export.record import blocks_of, length_of
from clinic_api.export.summary import Block, letterhead
from clinic_api.export.zipping import ZipStream
from clinic_api.files.disk import Disk, disk_of
from clinic_api.files.model import GivenFile
from clinic_api.files.service import give
from clinic_api.organisation.model import Organisation
from clinic_api.organisation.store import organisation
from clinic_api.records import documents_store
from clinic_api.records.documents_model import Document
from clinic_api.sealed_file import SealedFileError
from clinic_api.transaction import Transaction

TITLE = "Copy of a record"
PAPER_CHARS = 60_000  # some 15 pages, 3 s of computing (measured: 50 µs a character)
CHUNKS_AT_ONCE = 4  # of 64 KiB, in one call of a thread
MISSING = "This file could not be read on the server. Please tell the clinic.\n"

_BROKEN = (SealedFileError, KeyError, OSError)
log = structlog.get_logger(__name__)


async def archive(database: Database, export: Export) -> AsyncGenerator[bytes, None]:
    """Raises Refused(unavailable), and what reading a file raises: it is cut off then."""
    clinic = await database.read(organisation)
    with ZipStream(database.now()) as made:
        writer = _Writer(database, export, clinic, made)
        for entries in (writer.page, writer.papers, writer.bundle, writer.files):
            async for data in entries():
                yield data
        yield made.finish()


class _Writer:
    """Each method reads the record once and writes its entries; not to be run at the same time."""

    def __init__(
        self, database: Database, export: Export, clinic: Organisation, made: ZipStream
    ) -> None:
        self._database = database
        self._export = export
        self._clinic = clinic
        self._zip = made
        self._place: ZoneInfo = words.zone(clinic.time_zone)
        self._name = ""  # the patient's, once it was read

    async def page(self) -> AsyncGenerator[bytes, None]:
        yield self._zip.begin("index.html")
        yield await self._written(page_begin(TITLE, self._clinic.name))
        async for part in parts_of(self._database, self._export.patient_id):
            yield await self._written(page_part(blocks_of(part, self._place)))
        yield await self._written(page_end())

    async def papers(self) -> AsyncGenerator[bytes, None]:
        blocks: list[Block] = []
        number = 1
        async for part in parts_of(self._database, self._export.patient_id):
            if isinstance(part, Person):
                self._name = part.patient.details.name
            following = blocks_of(part, self._place)
            if blocks and length_of(blocks) + length_of(following) > PAPER_CHARS:
                yield await self._paper(number, blocks)
                blocks, number = [], number + 1
            blocks += following
        yield await self._paper(number, blocks)

    async def bundle(self) -> AsyncGenerator[bytes, None]:
        yield self._zip.begin("record.fhir.json")
        now = words.utc(self._database.now())
        yield await self._written(bundle_begin(self._export.id, now))
        first = True
        async for part in parts_of(self._database, self._export.patient_id):
            for held in resources_of(part):
                yield await self._written(bundle_entry(held, first=first))
                first = False
        yield await self._written(BUNDLE_END)

    async def files(self) -> AsyncGenerator[bytes, None]:
        disk = disk_of(self._database)
        async for documents in documents_of(self._database, self._export.patient_id):
            for document in documents:
                async for data in self._file(disk, document):
                    yield data

    async def _file(self, disk: Disk, document: Document) -> AsyncGenerator[bytes, None]:
        """What is broken from the start has a line in its place."""
        path = path_of(document)
        try:
            file = await self._database.read(_giving(document.id))
            chunks = disk.chunks(file.id, file.size)
            data = await asyncio.to_thread(_some, chunks)
        except (Refused, *_BROKEN) as problem:
            log.error("file_damaged", document=document.id, problem=type(problem).__name__)
            yield self._zip.begin(f"{path}.missing.txt")
            yield await self._written(MISSING)
            return
        yield self._zip.begin(path, compressed=False)
        while data:
            yield await self._written(data)
            data = await asyncio.to_thread(_some, chunks)

    async def _paper(self, number: int, blocks: list[Block]) -> bytes:
        paper = Paper(
            title=TITLE if number == 1 else f"{TITLE}, part {number}",
            letterhead=letterhead(self._clinic),
            blocks=tuple(blocks),
            footer=f"{self._clinic.name} · {self._name}",
            made_at=self._database.now().isoformat(),
            size=page_size(self._clinic.country),
        )
        made = await printed(paper)
        name = "record.pdf" if number == 1 else f"record-{number}.pdf"
        return self._zip.begin(name, compressed=False) + await self._written(made)

    async def _written(self, data: str | bytes) -> bytes:
        raw = data.encode() if isinstance(data, str) else data
        return await asyncio.to_thread(self._zip.write, raw)


def _giving(document_id: str) -> Callable[[Transaction], GivenFile]:
    def work(tx: Transaction) -> GivenFile:
        row = documents_store.document_row(tx, document_id)
        if row is None:
            raise Refused("not_found")
        return give(tx, row.file_id)

    return work


def _some(chunks: Iterator[bytes]) -> bytes:
    return b"".join(islice(chunks, CHUNKS_AT_ONCE))
