"""The list of visits says how old it is, and is made to be fetched again in parts."""

from __future__ import annotations

import re

from tests.clinic_api.conftest import Clock
from tests.web.portal.conftest import Readers

AS_OF = re.compile(r"As of \d\d:\d\d")


async def test_the_list_says_as_of_when_it_is_by_the_clinics_clock(
    reader: Readers, clock: Clock
) -> None:
    first = await reader("bob").open("/visits")
    assert AS_OF.search(first.words)
    clock.advance(60)
    later = await reader("bob").open("/visits")
    assert re.findall(r"As of \d\d:\d\d", later.words) != re.findall(
        r"As of \d\d:\d\d", first.words
    )
    for part in ("time", "visits"):
        assert later.text.count(f'data-fresh="{part}"') == 1
    assert "/static/js/visit-list.js" in later.text


async def test_the_call_page_names_who_would_come_in_and_takes_no_seat(
    reader: Readers, clock: Clock
) -> None:
    bob = reader("bob")
    found = re.search(r'href="(/visits/[^"]+)"', (await bob.open("/visits")).text)
    assert found
    before = (await bob.open(found.group(1))).words
    page = await bob.open(f"{found.group(1)}/call")
    assert (page.status, 'data-name="Dr. bob"' in page.text) == (200, True)
    assert (await bob.open(found.group(1))).words == before
