"""Curves as SVG pictures, without a library: two axes, a line for each series, a legend."""

from __future__ import annotations

from xml.sax.saxutils import escape

WIDTH, HEIGHT, EDGE = 640, 360, 60
COLOURS = ("#b3261e", "#6b7280", "#1d4ed8", "#0f766e", "#a16207", "#7e22ce")
Curve = tuple[str, list[tuple[float, float]]]


def svg(title: str, curves: list[Curve]) -> str:
    """One picture; both axes begin at 0."""
    points = [point for _, line in curves for point in line]
    right, top = max((x for x, _ in points), default=1) or 1, max((y for _, y in points), default=1) or 1

    def at(x: float, y: float) -> str:
        return f"{EDGE + x / right * (WIDTH - 2 * EDGE):.1f},{HEIGHT - EDGE - y / top * (HEIGHT - 2 * EDGE):.1f}"

    parts = [f'<text x="{EDGE}" y="28" font-size="15">{escape(title)}</text>']
    for step in range(5):
        x, y = right * step / 4, top * step / 4
        across, up = at(x, 0).split(",")[0], at(0, y).split(",")[1]
        parts.append(f'<text x="{across}" y="{HEIGHT - EDGE + 18}" text-anchor="middle">{x:.4g}</text>')
        parts.append(f'<text x="{EDGE - 8}" y="{up}" text-anchor="end">{y:.4g}</text>')
        parts.append(f'<path d="M{at(0, y)} L{at(right, y)}" stroke="#e5e7eb"/>')
    for index, (name, line) in enumerate(curves):
        colour, y = COLOURS[index % len(COLOURS)], HEIGHT - 14
        path = " L".join(at(*point) for point in line)
        dots = "".join(
            f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3" fill="{colour}"/>'
            for p in (at(*point) for point in line if len(line) <= 12)
        )
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}')
        parts.append(f'<text x="{EDGE + index * 110}" y="{y}" fill="{colour}">{escape(name)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        f' font-size="11"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'
    )
