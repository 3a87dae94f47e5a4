"""Where it happened, as one text: a case keeps no coordinates, so they stand at the end of its place.

"Trước chợ Thủ Dầu Một (10.9804, 106.6519)", or the coordinates alone.
"""

from __future__ import annotations

import re

_DEGREES = r"-?\d{1,3}(?:\.\d{1,15})?"
_NUMBER = re.compile(_DEGREES, re.ASCII)
_POINT = re.compile(rf"(?:\A|\()({_DEGREES}), ({_DEGREES})\)?\Z", re.ASCII)
_LIMITS = {"lat": 90, "long": 180}


def degrees(name: str, text: str) -> str | None:
    """The number as it was written, or ``None`` if it cannot be a latitude (``lat``) or longitude (``long``), WGS84."""
    return text if _NUMBER.fullmatch(text) and abs(float(text)) <= _LIMITS[name] else None


def written(address: str, lat: str | None, long: str | None) -> str:
    """>>> written("Chợ Thủ Dầu Một", "10.98", "106.65")
    'Chợ Thủ Dầu Một (10.98, 106.65)'
    """
    if lat is None or long is None:
        return address
    return f"{address} ({lat}, {long})" if address else f"{lat}, {long}"


def point(place: str) -> tuple[float | None, float | None]:
    """Latitude and longitude, if the place has them."""
    found = _POINT.search(place)
    return (float(found[1]), float(found[2])) if found else (None, None)
