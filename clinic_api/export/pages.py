"""A record as one HTML page without script, readable offline. Text is marked up, never run."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from clinic_api.export.paper import Facts, Heading, Text
from clinic_api.export.summary import Block

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "dt{color:#555}dd{margin:0 0 .5rem;white-space:pre-line}p{white-space:pre-line}"
)
# Nothing is loaded and nothing runs, whatever somebody wrote.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page_begin(title: str, clinic: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<main><p dir="auto">{escape(clinic)}</p><h1 dir="auto">{escape(title)}</h1>\n'
    )


def page_end() -> str:
    return "</main></body></html>\n"


def page_part(blocks: Iterable[Block]) -> str:
    return "".join(map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f'<h2 dir="auto">{escape(block.text)}</h2>\n'
        case Text():
            lines = block.text.splitlines()
            return "".join(f'<p dir="auto">{escape(line)}</p>\n' for line in lines if line.strip())
        case Facts():
            rows = (
                f'<dt>{escape(label)}</dt><dd dir="auto">{escape(value)}</dd>\n'
                for label, value in block.rows
            )
            return f"<dl>{''.join(rows)}</dl>\n"
