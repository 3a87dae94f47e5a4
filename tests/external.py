"""A report type whose diagram asks a service outside, for tests of external tasks: `PAKN` of `tests.hotline`."""

from __future__ import annotations

from tests.drawing import draw
from tests.hotline import LIFE

INPUTS = (
    '<camunda:inputOutput><camunda:inputParameter name="noi">${area}</camunda:inputParameter>'
    '<camunda:inputParameter name="kieu">nhanh</camunda:inputParameter></camunda:inputOutput>'
)
SERVICE = f"service tra_cuu topic=tra_cuu result=ho extension='{INPUTS}'"
ASKING = LIFE.replace("user tiep_nhan", f"{SERVICE}\nuser tiep_nhan", 1)
ASKING = ASKING.replace("da_nhan -> tiep_nhan", "da_nhan -> tra_cuu -> tiep_nhan")


def asking() -> str:
    """The diagram, as XML."""
    return draw(ASKING, "PAKN")
