"""What is shipped of others: every package with its version and licence, of Python and of JavaScript.

The two lock files say what there is; licences are as the packages themselves declare them. `document` is a bill of
materials in the format of CycloneDX 1.6.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import click

PYTHON, JAVASCRIPT = "requirements.lock", "webapi/ui/frontend/package-lock.json"
UNKNOWN = "unknown"
_SAID = {  # in the words of packages that do not say it in SPDX's
    "MIT License": "MIT", "BSD License": "BSD-3-Clause", "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "lGPLv3": "LGPL-3.0-only", "ZPL 2.1": "ZPL-2.1",
    "CC0": "CC0-1.0", "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "SEE LICENSE IN LICENSE": "LicenseRef-bpmn.io",  # MIT, and the mark on the diagram stays visible
}  # fmt: skip
_READ = {"component-props": "MIT"}  # says nothing in its package, and this in its repository


@dataclass(frozen=True, order=True)
class Ingredient:
    """Attributes:
    kind: pypi | npm
    licence: an SPDX expression; `UNKNOWN`: it does not say.
    """

    kind: str
    name: str
    version: str
    licence: str

    @property
    def purl(self) -> str:
        return f"pkg:{self.kind}/{self.name.replace('@', '%40')}@{self.version}"


def all_of(root: Path) -> list[Ingredient]:
    """Args:
    root: the folder with both lock files.

    Raises:
        FileNotFoundError: there are none, as in a program that was installed without them.
    """
    return sorted({*_python(root / PYTHON), *_javascript(root / JAVASCRIPT)})


def _python(lock: Path) -> Iterator[Ingredient]:
    for name, locked, marker in re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;\\]+)(.*)", lock.read_text(), re.MULTILINE):
        try:
            yield Ingredient("pypi", name, locked, _licence(distribution(name)))
        except PackageNotFoundError:
            if not marker.strip(" \\"):  # else it is for other machines
                yield Ingredient("pypi", name, locked, UNKNOWN)


def _licence(found: Distribution) -> str:
    told = found.metadata
    if told["License-Expression"]:
        return str(told["License-Expression"])
    classes = [line.split(" :: ")[-1] for line in told.get_all("Classifier") or [] if line.startswith("License ::")]
    words = (told["License"] or "").strip()
    known = [_SAID.get(one, one) for one in (words, *classes) if one in _SAID or re.fullmatch(r"[\w.+-]{3,20}", one)]
    return known[0] if known else UNKNOWN


def _javascript(lock: Path) -> Iterator[Ingredient]:
    """What pages load; what builds and tests them is not shipped."""
    for place, package in json.loads(lock.read_text(encoding="utf-8"))["packages"].items():
        if place and not package.get("dev"):
            name = place.rpartition("node_modules/")[2]
            said = package.get("license", _READ.get(name, UNKNOWN))
            yield Ingredient("npm", name, package["version"], _SAID.get(said, said))


def document(found: list[Ingredient]) -> dict[str, Any]:
    """A bill of materials; the same ingredients make the same document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "thong-suot", "version": version("thong-suot")}},
        "components": [
            {"type": "library", "bom-ref": one.purl, "name": one.name, "version": one.version, "purl": one.purl,
             "licenses": [_in_document(one.licence)]}
            for one in found
        ],
    }  # fmt: skip


def _in_document(licence: str) -> dict[str, Any]:
    if licence == UNKNOWN:
        return {"license": {"name": UNKNOWN}}
    return {"expression": licence}


def add_to(main: click.Group, root: Path) -> None:
    @main.command("ingredients")
    @click.option("--sbom", is_flag=True, help="As a bill of materials in CycloneDX's JSON.")
    def tell(sbom: bool) -> None:
        """List what is shipped of others, with its licence."""
        try:
            found = all_of(root)
        except FileNotFoundError as error:
            raise click.ClickException(f"{error.filename} is not here: run this in the repository.") from error
        if sbom:
            click.echo(json.dumps(document(found), indent=1))
            return
        for one in found:
            click.echo(f"{one.kind:5} {one.name:40} {one.version:16} {one.licence}")
