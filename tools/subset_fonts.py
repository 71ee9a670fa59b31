"""Cuts the fonts of printed papers to the scripts that they have to show.

    python tools/subset_fonts.py /usr/share/fonts/truetype/dejavu

reads DejaVuSans.ttf and DejaVuSans-Bold.ttf (DejaVu 2.37, Debian package fonts-dejavu-core) and
writes what is kept to clinic_api/export/fonts. Needs fontTools, which comes with fpdf2.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset

TARGET = Path(__file__).parent.parent / "clinic_api" / "export" / "fonts"
NAMES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
# Blocks of the Unicode standard: Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic, Georgian, their
# presentation forms, and the signs that text has.
KEPT = (
    "U+0020-007E,U+00A0-02FF,U+0300-036F,U+0370-052F,U+0531-0589,U+0591-05F4,U+0600-06FF,"
    "U+0750-077F,U+10A0-10FF,U+1E00-1FFF,U+2000-206F,U+2070-209F,U+20A0-20BF,U+2100-214F,"
    "U+2150-218F,U+2190-2199,U+2200-2265,U+25A0-25FF,U+2610-2612,U+2713-2717,U+FB1D-FB4F,"
    "U+FB50-FDFF,U+FE20-FE23,U+FE70-FEFF,U+FFFC-FFFD"
)


def main(source: str) -> None:
    for name in NAMES:
        subset.main(
            [
                str(Path(source) / name),
                f"--unicodes={KEPT}",
                "--layout-features=*",
                "--name-IDs=*",
                "--no-hinting",
                "--notdef-outline",
                f"--output-file={TARGET / name}",
            ]
        )


if __name__ == "__main__":
    main(sys.argv[1])
