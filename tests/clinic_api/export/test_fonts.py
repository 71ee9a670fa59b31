"""The fonts that are vendored have every letter that names are written with."""

from __future__ import annotations

from importlib.resources import files

import pytest
import uharfbuzz

from clinic_api.export.paper import page_size, reads_right_to_left
from tests.clinic_api.export.cast import NAMES, PLAN

FONTS = files("clinic_api.export") / "fonts"
NOTDEF = 0  # the glyph that every font draws for what it does not have (OpenType, `glyf`)
ALPHABETS = (
    "AĄÆÞßñőšžİıĞş ΑΩάώ Ѓяїў אבגדהוזחטיךכלםמןנסעףפץצקרשת ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي پچژگ"
)


@pytest.mark.parametrize("name", ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"])
def test_no_letter_is_drawn_as_a_box(name: str) -> None:
    font = uharfbuzz.Font(uharfbuzz.Face((FONTS / name).read_bytes()))
    for text in (*NAMES, *PLAN.splitlines(), *ALPHABETS.split()):
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        uharfbuzz.shape(font, buffer)
        assert NOTDEF not in [info.codepoint for info in buffer.glyph_infos], text


def test_the_fonts_stay_small_and_come_with_their_licence() -> None:
    sizes = {each.name: len(each.read_bytes()) for each in FONTS.iterdir()}
    assert "LICENSE.txt" in sizes
    assert sum(sizes.values()) < 2_000_000


@pytest.mark.parametrize(
    ("text", "backwards"),
    [("Alice", False), ("محمد Alice", True), ("12 שלום", True), ("", False), ("120/80", False)],
)
def test_a_paragraph_reads_as_its_first_letter_does(text: str, backwards: bool) -> None:
    assert reads_right_to_left(text) is backwards


def test_paper_is_what_printers_of_the_country_hold() -> None:
    assert (page_size("US"), page_size("PL")) == ("letter", "a4")
