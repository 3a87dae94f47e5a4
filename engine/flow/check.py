"""The gate: what is wrong with a package, all of it at once, in an analyst's words.

The same check runs at deployment, in the modeler and on the command line. Nothing with an error gets in: a mistake
that would lose a citizen's report, or end one without an answer, is found here and not inside somebody's case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.flow.draft import Draft
from engine.flow.faults import Fault
from engine.flow.places import Place
from engine.flow.rules import judge
from engine.forms import Form

__all__ = ["Fault", "check"]

FILES_MAX = 200
FAULTS_MAX = 1000  # nobody reads more; errors come before warnings then, so that none goes unseen


def check(
    files: Mapping[str, str | bytes], places: Iterable[Place] = (), others: Mapping[str, Form] | None = None,
    begun: Mapping[str, str] | None = None,
) -> list[Fault]:  # fmt: skip
    """Every fault of a package, errors and warnings, in the order of its files.

    Args:
        files: name -> content, names without folders.
        places: the districts and communes of the province, as far as a database knows them; else province.toml does.
        others: the intake forms of the province's report types, by code; ``None``: nobody knows which there are.
        begun: the codes of the province's other report types that a message begins, by its name.
    """
    if len(files) > FILES_MAX:
        return [Fault("", 1, None, "file-unknown", f"A package may have at most {FILES_MAX} files, not {len(files)}.")]
    draft = Draft.read(files, places, others, begun)
    try:
        found = list(dict.fromkeys(judge(draft)))
    except RecursionError:
        return [Fault("", 1, None, "too-many-elements", "Let fewer processes call each other one inside the other: "
                      "they are nested too deeply to be looked at.")]
    if any(fault.severity == "error" for fault in draft.faults):
        # what a warning misses, or calls unused, may stand in the file that could not be read
        found = [fault for fault in found if fault.severity == "error" or fault in draft.faults]
    ordered = sorted(found, key=lambda fault: (fault.file, fault.line, fault.severity, fault.code, fault.message))
    if len(ordered) > FAULTS_MAX:
        ordered.sort(key=lambda fault: fault.severity)
    return ordered[:FAULTS_MAX]
