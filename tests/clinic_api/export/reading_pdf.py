"""What a reader sees in a PDF: its text, and what it says of itself."""

from __future__ import annotations

import re

import pypdfium2


def text_of(data: bytes) -> str:
    """Of all pages; bidirectional lines as PDFium puts them in order."""
    document = pypdfium2.PdfDocument(data)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def pages_of(data: bytes) -> int:
    document = pypdfium2.PdfDocument(data)
    try:
        return len(document)
    finally:
        document.close()


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)
