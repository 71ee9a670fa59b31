"""No page shows a code: every code that a page may show has words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import pytest

import clinic_api
from clinic_api import actions, actor
from clinic_api.auth import model as auth
from clinic_api.directory import model as directory
from tests.clinic_api.http.world import World
from tests.web.portal.conftest import Readers
from web.portal import words

# How services name what they touch: in the audit, in a refusal, in the facts of a permission.
OBJECT = re.compile(
    r'(?:tx\.note\(\s*\w+|hidden\(\s*tx,\s*\w+),\s*"(\w+)"|Facts\(\s*kind="(\w+)"', re.DOTALL
)


def kinds() -> Iterator[str]:
    """Of everything that the audit may be about."""
    for path in Path(clinic_api.__file__).parent.rglob("*.py"):
        for found in OBJECT.finditer(path.read_text()):
            yield found.group(1) or found.group(2)


def test_every_action_has_words_of_its_own() -> None:
    assert actions.ACTIONS.keys() == words.ACTIONS.keys()
    assert len(set(words.ACTIONS.values())) == len(words.ACTIONS)
    for code, text in words.ACTIONS.items():
        assert not re.search(r"[._]", text), code


def test_every_kind_of_thing_has_words() -> None:
    found = set(kinds())
    assert {"patient", "visit", "consent_text"} <= found
    assert found - words.OBJECTS.keys() == set()


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (words.ROLES, get_args(actor.Role)),
        (words.ACTORS, get_args(actor.ActorKind)),
        (words.USER_STATES, get_args(auth.UserState)),
        (words.DEVICES, get_args(auth.Device)),
        (words.PATIENT_STATES, get_args(directory.PatientState)),
        (words.SEXES, get_args(directory.Sex)),
    ],
)
def test_every_code_of_a_table_has_words(table: Mapping[str, str], codes: tuple[str, ...]) -> None:
    assert table.keys() == set(codes)


@pytest.mark.parametrize("path", ["/audit", "/users", "/users/{user_id}", "/patients/{patient_id}"])
async def test_pages_show_words_and_no_codes(reader: Readers, world: World, path: str) -> None:
    ada = reader("ada")
    await reader("alice").open("/audit")
    await reader("carol").post("/patients/search", text="alice")
    await reader("carol").open(f"/patients/{world.ids['patient_id']}")
    page = await ada.open(path.format_map(world.ids))
    assert page.status == 200
    codes = [*actions.ACTIONS, "patient_search", "visit_list", "api_key"]
    assert [code for code in codes if code in page.words.split()] == []


async def test_the_audit_says_who_did_what_and_leads_there(reader: Readers, world: World) -> None:
    patient = f"/patients/{world.ids['patient_id']}"
    await reader("carol").open(patient)
    await reader("alice").open("/audit")
    page = await reader("ada").open("/audit")
    assert "carol opened a patient’s record" in page.words
    assert "a patient with an account read the audit refused" in page.words
    assert f'href="{patient}"' in page.text
    only = await reader("ada").open("/audit?action=patient.search&outcome=done")
    assert (only.fields()["action"], only.fields()["outcome"]) == ("patient.search", "done")
    assert "carol opened" not in only.words
