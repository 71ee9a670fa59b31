"""Sets a paper as PDF: shaped by HarfBuzz, right-to-left scripts in their order (UAX #9).

Slow, and large in memory: only the process of `press.py` runs it. The libraries that it needs are
imported by it alone. What the fonts do not have (they have Latin, Greek, Cyrillic, Hebrew, Arabic
and their neighbours) is printed as U+FFFD, with a line that says so.
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

from fpdf import FPDF
from fpdf.enums import TextDirection, XPos, YPos
from fpdf.fonts import TTFFont

from clinic_api.export.paper import Facts, Heading, Paper, Text, reads_right_to_left

FONT = "DejaVu"
BODY_PT, SMALL_PT, HEADING_PT, TITLE_PT = 10, 8, 12, 16
LINE_MM, SMALL_LINE_MM = 5.2, 4.2
MARGIN_MM = 20
LABEL_MM = 48
GREY = 90  # of 255: contrast 7:1 on white (WCAG 2.2, 1.4.6)
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
UNKNOWN_NOTE = f"{UNKNOWN} stands for a character that this printout has no letter for."
_UNPRINTED = {ord("\t"): " ", ord("\r"): None, 0x0B: " ", 0x0C: " "}


def typeset(paper: Paper) -> bytes:
    """The PDF."""
    return bytes(_Sheet(paper).output())


class _Sheet(FPDF):
    """One paper; the footer of each page is drawn by the library's call."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(format=paper.size)
        self._paper = paper
        self._lost = False  # a character that no font has
        fonts = files("clinic_api.export") / "fonts"
        self.add_font(FONT, "", str(fonts / "DejaVuSans.ttf"))
        self.add_font(FONT, "B", str(fonts / "DejaVuSans-Bold.ttf"))
        font = self.fonts[FONT.lower()]
        assert isinstance(font, TTFFont), "it was just added"
        self._has = frozenset(font.cmap)
        self.set_text_shaping(use_shaping_engine=True)
        self._describe()
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=MARGIN_MM)
        self.alias_nb_pages()
        self.add_page()
        self._letterhead()
        for block in paper.blocks:
            self._block(block)
        if self._lost:
            self.ln(LINE_MM)
            self._paragraph(UNKNOWN_NOTE, SMALL_PT, SMALL_LINE_MM)

    def footer(self) -> None:
        self.set_y(-MARGIN_MM + 5)
        self.set_font(FONT, "", SMALL_PT)
        self.set_text_color(GREY)
        width = self.epw / 2
        self.set_text_shaping(use_shaping_engine=True, direction=TextDirection.LTR)
        self.cell(width, SMALL_LINE_MM, self._printable(self._paper.footer), align="L")
        self.cell(width, SMALL_LINE_MM, f"Page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(0)

    def _describe(self) -> None:
        self.set_title(self._paper.title)
        self.set_lang(self._paper.language)
        self.set_creator("Telemed Media")
        self.set_creation_date(datetime.fromisoformat(self._paper.made_at))

    def _letterhead(self) -> None:
        for number, line in enumerate(self._paper.letterhead):
            self._paragraph(line, SMALL_PT, SMALL_LINE_MM, bold=number == 0)
        self.ln(LINE_MM)
        self._paragraph(self._paper.title, TITLE_PT, TITLE_PT * 0.5, bold=True)
        self.ln(LINE_MM / 2)

    def _block(self, block: Heading | Text | Facts) -> None:
        match block:
            case Heading():
                self._heading(block.text)
            case Text():
                for line in block.text.splitlines():
                    self._paragraph(line, BODY_PT, LINE_MM)
            case Facts():
                for label, value in block.rows:
                    self._fact(label, value)

    def _heading(self, text: str) -> None:
        if self.will_page_break(4 * LINE_MM):  # never alone at the end of a page
            self.add_page()
        self.ln(LINE_MM / 2)
        self.start_section(text)
        self._paragraph(text, HEADING_PT, HEADING_PT * 0.5, bold=True)

    def _fact(self, label: str, value: str) -> None:
        if self.will_page_break(LINE_MM):
            self.add_page()
        self.set_font(FONT, "", BODY_PT)
        self.set_text_color(GREY)
        if self.get_string_width(self._printable(label)) < LABEL_MM:
            self.cell(LABEL_MM, LINE_MM, self._printable(label))
        else:  # a long one has lines of its own
            self._paragraph(label, BODY_PT, LINE_MM, left_aligned=True)
            self.set_x(self.l_margin + LABEL_MM)
        self.set_text_color(0)
        for number, line in enumerate(value.splitlines() or [""]):
            if number:
                self.set_x(self.l_margin + LABEL_MM)
            self._paragraph(line, BODY_PT, LINE_MM, left_aligned=True)

    def _paragraph(
        self,
        text: str,
        points: int,
        height: float,
        *,
        bold: bool = False,
        left_aligned: bool = False,
    ) -> None:
        """From here to the right margin. Facts stand beside their labels in every script."""
        backwards = reads_right_to_left(text)
        self.set_font(FONT, "B" if bold else "", points)
        self.set_text_shaping(
            use_shaping_engine=True,
            direction=TextDirection.RTL if backwards else TextDirection.LTR,
        )
        self.multi_cell(
            0,
            height,
            self._printable(text),
            align="R" if backwards and not left_aligned else "L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )
        self.set_text_shaping(use_shaping_engine=True)

    def _printable(self, text: str) -> str:
        """With U+FFFD for what no font has."""
        clean = text.translate(_UNPRINTED)
        lost = {char for char in clean if ord(char) not in self._has and char != "\n"}
        self._lost = self._lost or bool(lost)
        return clean.translate({ord(char): UNKNOWN for char in lost})
