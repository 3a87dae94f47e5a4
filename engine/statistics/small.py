"""No published number between 1 and 4 of people, whether it stands there or can be worked out from what stands there.

Rows with such a number go together into one row of others; if what has come together there has such a number itself,
the next smallest rows join it. So the rows always add up to the total, and taking rows from the total leaves only
numbers that may be seen. If even all rows together tell of few people, nothing is published.
"""

from __future__ import annotations

from collections.abc import Sequence

SMALLEST = 5
Counts = Sequence[int]


def tells(counts: Counts) -> bool:
    """Whether one of these numbers says something about few people."""
    return any(0 < count < SMALLEST for count in counts)


def together(rows: Sequence[Counts]) -> set[int]:
    """Which rows go into one, by their place.

    Args:
        rows: everything that can be read off each row as a number of people.
    """
    hidden = {place for place, counts in enumerate(rows) if tells(counts)}
    for place in sorted(set(range(len(rows))) - hidden, key=lambda place: (*rows[place], place)):
        if not tells([sum(column) for column in zip(*(rows[one] for one in hidden), strict=True)]):
            break
        hidden.add(place)
    return hidden
