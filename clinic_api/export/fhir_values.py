"""What resources of FHIR R4 are made of, and the Bundle that holds them. Pure."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

LOINC = "http://loinc.org"
HL7 = "http://terminology.hl7.org/CodeSystem"

Resource = dict[str, Any]  # JSON of one of FHIR's types


def resource(kind: str, row_id: str, **fields: Any) -> Resource:
    """Without what is empty: FHIR R4 allows no empty values (2.6.2)."""
    return {"resourceType": kind, "id": _uuid(row_id), **_filled(fields)}


def narrowed(items: list[Any] | None = None, /, **fields: Any) -> Any:
    """A list or an element without what is empty; None where nothing is left."""
    if items is not None:
        return [each for each in items if each] or None
    return _filled(fields) or None


def concept(system: str, code: str, text: str = "") -> Resource:
    """A CodeableConcept."""
    said = {"text": text} if text else {}
    return {"coding": [coding(system, code)], **said}


def coding(system: str, code: str, display: str = "") -> Resource:
    shown = {"display": display} if display else {}
    return {"system": system, "code": code, **shown}


def reference(row_id: str) -> Resource:
    return {"reference": full_url(row_id)}


def full_url(row_id: str) -> str:
    """`urn:uuid:` of a row's id."""
    return f"urn:uuid:{_uuid(row_id)}"


def bundle_begin(bundle_id: str, made_at: str) -> bytes:
    """The Bundle up to its entries (FHIR R4, 2.36)."""
    head = {
        "resourceType": "Bundle",
        "id": _uuid(bundle_id),
        "type": "collection",
        "timestamp": made_at,
    }
    return msgspec.json.encode(head)[:-1] + b',"entry":['


def bundle_entry(held: Resource, *, first: bool) -> bytes:
    entry = {"fullUrl": f"urn:uuid:{held['id']}", "resource": held}
    return (b"" if first else b",\n") + msgspec.json.encode(entry)


BUNDLE_END = b"]}\n"


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _uuid(row_id: str) -> str:
    """Rows have one; what has none gets one that is always the same (RFC 9562, 5.5)."""
    try:
        return str(UUID(row_id))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, row_id))
