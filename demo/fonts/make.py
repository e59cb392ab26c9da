"""Cuts the demo's fonts down to what it prints; both are free (OFL.txt).

    apt-get install fonts-ebgaramond fonts-noto-cjk
    python demo/fonts/make.py

`garamond.otf` is EB Garamond for names and headings: all Latin, Greek and Cyrillic letters that it has.
`garamond-italic.otf` is its italic, for the small lines between.
`noto-cjk.otf` is Noto Serif CJK with the Chinese, Japanese and Korean characters of the rosters' names and some
common ones. A real installation uploads the whole font; the demo only has to be small.
"""

import csv
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
SYSTEM = Path("/usr/share/fonts/opentype")
STAMP = 3_850_000_000  # seconds since 1904, the same in every run

EUROPEAN = (
    *range(0x0020, 0x007F),
    *range(0x00A0, 0x0250),
    *range(0x02B9, 0x02DE),
    *range(0x0300, 0x0346),
    *range(0x0370, 0x0400),
    *range(0x0400, 0x0460),
    *range(0x048A, 0x0530),
    *range(0x1E00, 0x1F00),
    *range(0x2010, 0x2028),
    0x2030, 0x2032, 0x2033, 0x2039, 0x203A, 0x2044, 0x20AC, 0x2116, 0x2122, 0x2212,
)  # fmt: skip
LATIN = (
    *range(0x0020, 0x007F),
    *range(0x00A0, 0x0180),
    *range(0x0218, 0x021C),
    *range(0x1EA0, 0x1EFA),
    *range(0x2010, 0x2028),
)

# Frequent in names and in words of certificates, so that a name of one's own has a chance.
COMMON = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗張劉陳楊趙黃吳孫羅明文华華国國建伟偉芳娜敏静靜丽麗强強"
    "佐藤鈴木高橋田中伊渡辺山本中村小加吉大野美子香一二三太郎恵陽葵蓮証書証明证书證書修了卒業课程課程大学學・、。"
    "김이박최정강조윤장임한오서신권황안송류홍민서지우현준도윤하은수빈증명서과정수료대학교"
)


def names():
    with (HERE.parent / "rosters" / "CS101.csv").open(encoding="utf-8", newline="") as file:
        return "".join(row["name"] for row in csv.DictReader(file))


def subset(source, target, characters, features, copyright_line, number=-1):
    font = TTFont(source, fontNumber=number, recalcTimestamp=False)
    options = Options()
    options.layout_features = features
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14]
    options.name_languages = [0x409]
    options.drop_tables += ["FFTM", "vhea", "vmtx", "VORG", "BASE", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font["name"].setName(copyright_line, 0, 3, 1, 0x409)
    font["name"].setName("Licensed under the SIL Open Font License, Version 1.1", 13, 3, 1, 0x409)
    font["name"].setName("A subset, cut for the demo of Conferral", 10, 3, 1, 0x409)
    font["head"].created = font["head"].modified = STAMP
    font.save(HERE / target)
    size = (HERE / target).stat().st_size
    print(f"{target}: {len(font.getBestCmap())} characters, {size / 1024:.0f} KiB")
    return size


DUFFNER = "Copyright 2010-2013, Georg A. Duffner, 2013 Siva Kalyan"
ADOBE = "© 2017-2022 Adobe (http://www.adobe.com/). Noto is a trademark of Google Inc."
SHAPING = ["ccmp", "locl", "mark", "mkmk", "kern", "liga"]
ideographs = {character for character in names() + COMMON if ord(character) >= 0x2E80}

assert subset(SYSTEM / "ebgaramond/EBGaramond12-Regular.otf", "garamond.otf", EUROPEAN, SHAPING, DUFFNER) < 250_000
assert subset(SYSTEM / "ebgaramond/EBGaramond12-Italic.otf", "garamond-italic.otf", LATIN, SHAPING, DUFFNER) < 150_000
# The third face of the collection draws unified characters the way of mainland China.
collection = SYSTEM / "noto/NotoSerifCJK-Regular.ttc"
assert subset(collection, "noto-cjk.otf", map(ord, ideographs), ["ccmp", "locl"], ADOBE, number=2) < 150_000
