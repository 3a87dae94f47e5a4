"""Nothing is shipped whose licence we have not agreed to, and every package is on the bill."""

from __future__ import annotations

import json
import re
from importlib.metadata import PathDistribution
from pathlib import Path

from click.testing import CliRunner

from tests.sources import ROOT
from webapi.cli import main
from webapi.commands import ingredients

ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "LGPL-3.0-only", "LicenseRef-bpmn.io",
    "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "ZPL-2.1",
}  # fmt: skip
FOUND = ingredients.all_of(ROOT)


def test_nothing_is_shipped_under_a_licence_that_is_not_allowed() -> None:
    named = {one.name: set(re.split(r" (?:AND|OR|WITH) |[()]", one.licence)) - {"", " "} for one in FOUND}

    assert {name: licences - ALLOWED for name, licences in named.items() if licences - ALLOWED} == {}


def test_every_locked_package_is_on_the_bill() -> None:
    said = CliRunner().invoke(main, ["ingredients", "--sbom"])
    bill = json.loads(said.output)

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    names = {part["purl"].rpartition("@")[0] for part in bill["components"]}
    assert {"pkg:pypi/flask", "pkg:npm/bpmn-js", "pkg:npm/%40bpmn-io/properties-panel"} <= names
    assert "pkg:npm/esbuild" not in names and len({part["bom-ref"] for part in bill["components"]}) == len(FOUND) > 100
    listed = CliRunner().invoke(main, ["ingredients"]).output.splitlines()
    assert len(listed) == len(FOUND) and not [line for line in listed if line.endswith(ingredients.UNKNOWN)]


def test_a_package_that_says_nothing_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nLicense: All rights are mine, do not copy\n")

    assert ingredients._licence(PathDistribution(tmp_path)) == ingredients.UNKNOWN
    assert ingredients.UNKNOWN not in ALLOWED
