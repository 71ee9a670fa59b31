"""Small files of every kind that is taken, and of kinds that are not; all made here."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from clinic_api.files.media_types import (
    CSV,
    DICOM,
    DOCX,
    HEIC,
    JPEG,
    ODT,
    PDF,
    PNG,
    TEXT,
    TIFF,
    WEBP,
)


def png() -> bytes:
    """One grey point."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\x00\x80")),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def pdf(size: int = 0) -> bytes:
    """Of about `size` bytes."""
    return b"%PDF-1.7\n" + b"% fill\n" * (size // 7) + b"trailer <<>>\nstartxref\n0\n%%EOF\n"


def zipped(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            packing = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, packing)
    return target.getvalue()


def docx(**more: bytes) -> bytes:
    body = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>"}
    return zipped(body | more)


def odt(**more: bytes) -> bytes:
    return zipped({"mimetype": ODT.encode(), "content.xml": b"<office/>"} | more)


_WEBP = b"WEBPVP8L" + bytes(20)

TAKEN: dict[str, tuple[str, bytes]] = {  # name → type, content
    "letter.pdf": (PDF, pdf()),
    "wound.jpg": (JPEG, b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(40) + b"\xff\xd9"),
    "scan.png": (PNG, png()),
    "skin.webp": (WEBP, b"RIFF" + struct.pack("<I", len(_WEBP)) + _WEBP),
    "phone.heic": (HEIC, b"\x00\x00\x00\x18ftypheic" + bytes(40)),
    "fax.tiff": (TIFF, b"II*\x00" + bytes(40)),
    "knee.dcm": (DICOM, bytes(128) + b"DICM" + bytes(40)),
    "diary.txt": (TEXT, "Mañana: 37,5 °C\r\nمساء: 38\n".encode()),
    "pressure.csv": (CSV, b"day,systolic\n1,120\n"),
    "report.docx": (DOCX, docx()),
    "report.odt": (ODT, odt()),
}
