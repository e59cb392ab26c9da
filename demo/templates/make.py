"""Draws the demo's blank certificates, the logo of Demo University, and the signatures of its registrar and of the next one.

    python demo/templates/make.py

Every line is computed here and set by typst as vectors; the templates have no words at all, so that they suit any
language. Running this twice writes the same bytes.
"""

import math
from itertools import pairwise
from pathlib import Path

import typst

HERE = Path(__file__).parent
TIMESTAMP = 1_767_225_600  # 2026-01-01

# --- Drawing: SVG, a string at a time ---------------------------------------------------------------------------------


def n(value):
    return (
        f"{value:.2f}".rstrip("0").rstrip(".").replace("-0", "0")
        if abs(value) < 0.005
        else f"{value:.2f}".rstrip("0").rstrip(".")
    )


def curve(point, start, end, steps, closed=False):
    """A smooth path through point(t), as Bézier pieces whose handles follow the computed tangents."""
    width = (end - start) / steps
    tiny = width / 1000

    def tangent(t):
        (x0, y0), (x1, y1) = point(t - tiny), point(t + tiny)
        return (x1 - x0) / (2 * tiny) * width / 3, (y1 - y0) / (2 * tiny) * width / 3

    x, y = point(start)
    pieces = [f"M{n(x)} {n(y)}C"]
    for step in range(steps):
        here, there = start + step * width, start + (step + 1) * width
        (x0, y0), (x3, y3) = point(here), point(there)
        (u0, v0), (u3, v3) = tangent(here), tangent(there)
        pieces.append(" ".join(n(value) for value in (x0 + u0, y0 + v0, x3 - u3, y3 - v3, x3, y3)))
    return pieces[0] + " ".join(pieces[1:]) + ("Z" if closed else "")


def stroke(paths, colour, width):
    return f'<path d="{"".join(paths)}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round"/>'


def fill(path, colour):
    return f'<path d="{path}" fill="{colour}"/>'


def circle(x, y, radius, *, colour="none", line="none", width=0.0):
    return f'<circle cx="{n(x)}" cy="{n(y)}" r="{n(radius)}" fill="{colour}" stroke="{line}" stroke-width="{width}"/>'


def rectangle(x, y, width, height, *, colour="none", line="none", thickness=0.0):
    return (
        f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}" '
        f'fill="{colour}" stroke="{line}" stroke-width="{thickness}"/>'
    )


def polygon(points):
    return "M" + "L".join(f"{n(x)} {n(y)}" for x, y in points) + "Z"


def ring(x, y, inner, outer, lobes, strands, turn=0.0, stretch=1.0):
    """A guilloche ring: sines between two circles, each a little further round than the one before."""
    middle, swing = (inner + outer) / 2, (outer - inner) / 2
    for strand in range(strands):
        phase = math.tau * strand / strands

        def point(angle, phase=phase):
            radius = middle + swing * math.sin(lobes * angle + phase)
            return x + stretch * radius * math.cos(angle + turn), y + radius * math.sin(angle + turn)

        yield curve(point, 0, math.tau, lobes * 4, closed=True)


def star(x, y, outer, inner, points):
    return polygon(
        (
            x + (inner if corner % 2 else outer) * math.sin(math.pi * corner / points),
            y - (inner if corner % 2 else outer) * math.cos(math.pi * corner / points),
        )
        for corner in range(2 * points)
    )


def emblem(x, y, size, dark, light):
    """Demo University: an open book, and the sun that rises from it."""
    unit = size / 100
    parts = []

    def at(px, py):
        return f"{n(x + px * unit)} {n(y + py * unit)}"

    # The sun: a half disc and seven rays that taper outwards.
    parts.append(fill(f"M{at(-17, 6)}A{n(17 * unit)} {n(17 * unit)} 0 0 1 {at(17, 6)}Z", light))
    for ray in range(7):
        angle = math.radians(-90 + (ray - 3) * 26)
        half = math.radians(3.6)
        near, far = (22.5, 41 if ray % 2 else 35)
        corners = [
            (near * math.cos(angle - half), 6 + near * math.sin(angle - half)),
            (far * math.cos(angle - half * 0.9), 6 + far * math.sin(angle - half * 0.9)),
            (far * math.cos(angle + half * 0.9), 6 + far * math.sin(angle + half * 0.9)),
            (near * math.cos(angle + half), 6 + near * math.sin(angle + half)),
        ]
        parts.append(fill(polygon((x + px * unit, y + py * unit) for px, py in corners), light))
    # The book: two pages, and the sheets beneath them.
    for side in (-1, 1):
        parts.append(
            fill(
                f"M{at(0, 17)}C{at(side * 9, 10)} {at(side * 24, 9)} {at(side * 38, 12)}L{at(side * 38, 32)}"
                f"C{at(side * 24, 29)} {at(side * 9, 30)} {at(0, 37)}Z",
                light,
            )
        )
        parts.append(
            stroke(
                [f"M{at(side * 38, 37)}C{at(side * 24, 34)} {at(side * 9, 35)} {at(0, 42)}"],
                light,
                n(2.6 * unit),
            )
        )
    parts.append(stroke([f"M{at(0, 17)}L{at(0, 37)}"], dark, n(2 * unit)))
    return "".join(parts)


def svg(width, height, *parts):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"{''.join(parts)}</svg>"
    )


# --- Classic: an engraved share of knowledge, navy and gold on ivory ---------------------------------------------------

IVORY, NAVY, STEEL, GOLD, PALE, FAINT = "#fcf9f1", "#1b2a4e", "#6f7fa6", "#a98545", "#d9c596", "#f3ecdb"


def braid(length, depth, periods, strands, swing=1.0):
    """Strands along a band of the frame, from (0, 0) to (length, 0): sines under a swelling envelope."""
    for strand in range(strands):
        phase = math.tau * strand / strands

        def point(t, phase=phase):
            envelope = depth * swing * (0.62 + 0.38 * math.cos(math.tau * t))
            return length * t / periods, envelope * math.sin(math.tau * t * 1.0 + phase)

        yield curve(point, 0, periods, periods * 6)


def classic():
    width, height = 841.89, 595.28
    outer, band = 23.0, 31.0
    inner = outer + band
    parts = [rectangle(0, 0, width, height, colour=IVORY)]

    cx, cy = width / 2, height / 2

    # The frame: four bands of braid between navy rules, and a rosette in each corner.
    parts.append(rectangle(outer, outer, width - 2 * outer, height - 2 * outer, colour="#f6f0e0"))
    parts.append(rectangle(inner, inner, width - 2 * inner, height - 2 * inner, colour=IVORY))
    # The ground: a rosette that fills the page, barely darker than the paper.
    for near, far, lobes, strands in ((40, 118, 12, 6), (104, 172, 24, 4), (160, 236, 36, 4)):
        parts.append(stroke(ring(cx, cy, near, far, lobes, strands, stretch=1.42), FAINT, 0.7))
    middle = outer + band / 2
    for length, periods, places in (
        (width - 2 * inner, 24, ((inner, middle, 0), (inner, height - middle, 0))),
        (height - 2 * inner, 16, ((middle, inner, 90), (width - middle, inner, 90))),
    ):
        gold = stroke(braid(length, band / 2 - 2.5, periods * 2, 5, 0.8), PALE, 0.45)
        navy = stroke(braid(length, band / 2 - 2.2, periods, 9), NAVY, 0.4)
        for x, y, turn in places:
            parts.append(f'<g transform="translate({n(x)} {n(y)}) rotate({turn})">{gold}{navy}</g>')
    for x in (outer, width - inner):
        for y in (outer, height - inner):
            mx, my = x + band / 2, y + band / 2
            parts.append(rectangle(x, y, band, band, colour=IVORY, line=NAVY, thickness=0.8))
            parts.append(stroke(ring(mx, my, 5.5, 13.6, 12, 5), NAVY, 0.35))
            parts.append(stroke(ring(mx, my, 3.2, 8, 8, 3), GOLD, 0.4))
            parts.append(circle(mx, my, 3.1, colour=NAVY))
            parts.append(fill(star(mx, my, 2.3, 0.95, 5), PALE))
    parts.append(rectangle(outer, outer, width - 2 * outer, height - 2 * outer, line=NAVY, thickness=1.6))
    parts.append(
        rectangle(outer - 4, outer - 4, width - 2 * outer + 8, height - 2 * outer + 8, line=GOLD, thickness=0.5)
    )
    parts.append(rectangle(inner, inner, width - 2 * inner, height - 2 * inner, line=NAVY, thickness=0.9))
    parts.append(
        rectangle(inner + 5, inner + 5, width - 2 * inner - 10, height - 2 * inner - 10, line=GOLD, thickness=0.5)
    )

    # A rule with a lozenge, under the heading.
    y = 177.0
    for side in (-1, 1):
        parts.append(fill(polygon([(cx + side * 12, y - 0.5), (cx + side * 120, y), (cx + side * 12, y + 0.5)]), GOLD))
        parts.append(
            fill(
                polygon(
                    [
                        (cx + side * 9.5, y - 1.6),
                        (cx + side * 7.9, y),
                        (cx + side * 9.5, y + 1.6),
                        (cx + side * 11.1, y),
                    ]
                ),
                GOLD,
            )
        )
    parts.append(fill(polygon([(cx, y - 4.4), (cx + 4.4, y), (cx, y + 4.4), (cx - 4.4, y)]), NAVY))

    # The lines on which date and verification stand.
    for x in (106.0, width - 106 - 210):
        parts.append(stroke([f"M{n(x)} 489L{n(x + 210)} 489"], GOLD, 0.6))

    # The seal.
    sx, sy = cx, 463.0
    parts.append(
        fill(
            curve(
                lambda t: (
                    sx + (54 + 1.5 * math.cos(48 * t)) * math.cos(t),
                    sy + (54 + 1.5 * math.cos(48 * t)) * math.sin(t),
                ),
                0,
                math.tau,
                384,
                closed=True,
            ),
            GOLD,
        )
    )
    parts.append(circle(sx, sy, 50.8, colour=IVORY))
    parts.append(circle(sx, sy, 49.6, line=GOLD, width=0.5))
    parts.append(stroke(ring(sx, sy, 34, 48.4, 30, 6), NAVY, 0.4))
    parts.append(stroke(ring(sx, sy, 36.5, 46, 20, 4), GOLD, 0.45))
    parts.append(circle(sx, sy, 35, colour=NAVY, line=IVORY, width=1.6))
    parts.append(circle(sx, sy, 32.2, line=PALE, width=0.5))
    parts.append(emblem(sx, sy - 0.5, 58, NAVY, PALE))
    return svg(width, height, *parts)


# --- Modern: tiles that climb towards the light ----------------------------------------------------------------------

INK, FOREST, SEA, MINT, CORAL, SAND = "#10231f", "#0d4a42", "#3f9c8a", "#cfe7dd", "#f0563a", "#f6d9a8"


def modern():
    width, height, tile = 792.0, 612.0, 76.5
    parts = [rectangle(0, 0, width, height, colour="#ffffff")]

    def place(column, row, ground, shape, colour, corner=0):
        # Columns count from the right edge of the page, rows from the top.
        x, y = width - tile * (column + 1), tile * row
        if ground:
            # A hair larger than the tile, so that no light shows between neighbours.
            parts.append(rectangle(x, y, tile + (0.3 if column else 0), tile + 0.3, colour=ground))
        cx, cy = x + tile / 2, y + tile / 2
        corners = [(x, y), (x + tile, y), (x + tile, y + tile), (x, y + tile)]
        ax, ay = corners[corner]
        bx, by = corners[(corner + 1) % 4]
        dx, dy = corners[(corner + 3) % 4]
        match shape:
            case "quarter":
                parts.append(
                    fill(f"M{n(ax)} {n(ay)}L{n(bx)} {n(by)}A{n(tile)} {n(tile)} 0 0 1 {n(dx)} {n(dy)}Z", colour)
                )
            case "triangle":
                parts.append(fill(polygon([(ax, ay), (bx, by), (dx, dy)]), colour))
            case "half":
                parts.append(
                    fill(f"M{n(ax)} {n(ay)}A{n(tile / 2)} {n(tile / 2)} 0 0 {corner % 2} {n(bx)} {n(by)}Z", colour)
                )
            case "disc":
                parts.append(circle(cx, cy, tile * 0.5, colour=colour))
            case "dot":
                parts.append(circle(cx, cy, tile * 0.2, colour=colour))
            case "rings":
                for radius in (0.94, 0.7, 0.46, 0.22):
                    r = tile * radius
                    first = (ax + (bx - ax) * radius, ay + (by - ay) * radius)
                    last = (ax + (dx - ax) * radius, ay + (dy - ay) * radius)
                    parts.append(
                        stroke(
                            [f"M{n(first[0])} {n(first[1])}A{n(r)} {n(r)} 0 0 1 {n(last[0])} {n(last[1])}"], colour, 5.5
                        ).replace('"round"', '"butt"')
                    )
            case "bars":
                for bar in range(4):
                    parts.append(rectangle(x, y + tile * (bar * 2 + 1) / 8, tile, tile / 8, colour=colour))
            case "emblem":
                parts.append(emblem(cx, cy, tile * 0.86, ground, colour))

    for tile_ in (
        # The edge of the page, from top to bottom.
        (0, 0, CORAL, "quarter", SAND, 1),
        (0, 1, FOREST, "quarter", SEA, 3),
        (0, 2, MINT, "rings", FOREST, 2),
        (0, 3, SEA, "triangle", FOREST, 1),
        (0, 4, SAND, "disc", CORAL, 0),
        (0, 5, FOREST, "quarter", MINT, 0),
        (0, 6, SEA, "bars", FOREST, 0),
        (0, 7, FOREST, "emblem", SAND, 0),
        # The column beside it.
        (1, 0, "", "quarter", FOREST, 1),
        (1, 1, MINT, "triangle", SEA, 2),
        (1, 2, "", "quarter", CORAL, 1),
        (1, 3, "", "dot", SAND, 0),
        (1, 4, "", "quarter", SEA, 2),
        (1, 5, SAND, "quarter", FOREST, 2),
        (1, 6, FOREST, "rings", MINT, 3),
        (1, 7, CORAL, "quarter", SAND, 2),
        # The first steps.
        (2, 0, "", "dot", CORAL, 0),
        (2, 7, "", "quarter", MINT, 2),
        (2, 6, "", "dot", SEA, 0),
    ):
        place(*tile_)

    # The emblem above the text, and the rules beneath it.
    parts.append(circle(76, 74, 20, colour=FOREST))
    parts.append(emblem(76, 73.6, 32, FOREST, SAND))
    parts.append(rectangle(56, 170, 34, 3, colour=CORAL))
    for x in (56, 206, 356):
        parts.append(rectangle(x, 428, 134, 0.8, colour=FOREST))
    return svg(width, height, *parts)


def logo():
    return svg(
        512,
        512,
        circle(256, 256, 250, colour=NAVY),
        circle(256, 256, 232, line=PALE, width=5),
        emblem(256, 250, 420, NAVY, PALE),
    )


# --- The registrar's signature: a broad nib along a line through points --------------------------------------------

WRITTEN = (
    # A capital that begins below, the letters that follow it, ever flatter, and the flourish beneath.
    "14 46, 10 39, 19 27, 33 12, 42 5, 41 14, 33 33, 27 50, 31 44, 42 25, 54 9, 61 6, 59 16, 52 35, 50 48, 56 47, "
    "64 38, 71 33, 68 40, 70 47, 77 43, 82 35, 86 33, 84 41, 87 47, 94 42, 104 25, 109 10, 105 8, 100 22, 97 40, "
    "101 48, 108 42, 113 36, 118 36, 117 44, 122 47, 129 41, 133 37, 137 43, 143 46, 154 41, 170 37, 184 38, 180 45, "
    "140 53, 92 58, 52 61, 70 56, 120 54, 168 57, 192 54"
)
SUCCESSOR = (
    # Two tall strokes, a loop, and a line that leaves the page.
    "16 52, 22 36, 31 14, 36 6, 33 20, 28 40, 26 52, 34 38, 46 16, 55 7, 53 22, 47 42, 50 50, 58 44, 64 34, 70 33, 68 42, "
    "74 46, 82 38, 88 24, 94 8, 90 5, 85 20, 84 40, 90 48, 98 40, 103 34, 101 44, 108 47, 116 38, 122 35, 120 44, 128 46, "
    "140 40, 156 36, 176 30, 194 18"
)
NIB = (0.75, -0.65)


def through(points, steps=9):
    """A smooth line through the points (Catmull-Rom), as many."""
    points = [points[0], *points, points[-1]]
    for p, q, r, s in zip(points, points[1:], points[2:], points[3:], strict=False):
        for step in range(steps):
            t = step / steps
            yield tuple(
                0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
                for a, b, c, d in zip(p, q, r, s, strict=True)
            )
    yield points[-1]


def signature(written):
    line = list(through([tuple(map(float, point.split())) for point in written.split(",")]))
    dx, dy = NIB
    swept = [
        polygon([(x0 - dx, y0 - dy), (x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy)])
        for (x0, y0), (x1, y1) in pairwise(line)
    ]
    hair = "M" + "L".join(f"{n(x)} {n(y)}" for x, y in line)
    return svg(200, 70, fill("".join(swept), NAVY), stroke([hair], NAVY, 0.7))


# --- Files -----------------------------------------------------------------------------------------------------------


def compiled(drawing, width, height, paper, **how):
    source = (
        "#set document(title: sys.inputs.title, date: auto)\n"
        f"#set page(width: {width}pt, height: {height}pt, margin: 0pt, fill: {paper})\n"
        f'#image(bytes(sys.inputs.drawing), format: "svg", width: {width}pt, height: {height}pt)\n'
    )
    return typst.compile(
        source.encode(),
        sys_inputs={"drawing": drawing, "title": how.pop("title", "")},
        ignore_system_fonts=True,
        timestamp=TIMESTAMP,
        **how,
    )


def write(name, content, limit):
    assert len(content) < limit, f"{name}: {len(content)} bytes"
    (HERE / name).write_bytes(content)
    print(f"{name}: {len(content) / 1024:.0f} KiB")


write(
    "classic.pdf", compiled(classic(), 841.89, 595.28, "white", format="pdf", pdf_tags=False, title="Classic"), 200_000
)
write("modern.pdf", compiled(modern(), 792, 612, "white", format="pdf", pdf_tags=False, title="Modern"), 200_000)
write("signature.svg", signature(WRITTEN).encode(), 40_000)
write("new-signature.svg", signature(SUCCESSOR).encode(), 40_000)
write("logo.png", compiled(logo(), 512, 512, "none", format="png", ppi=72), 60_000)
