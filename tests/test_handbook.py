"""The handbook (docs/vi, docs/en) is true: its commands are typed, its links lead somewhere, and the words that it
quotes from the pages stand there."""

from __future__ import annotations

import hmac
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.databases import replaced
from tests.served import served
from tests.sources import ROOT
from webapi import create_app
from webapi.cli import main
from webapi.ui import words

LANGUAGES = ("vi", "en")
NAMES = sorted(path.name for path in (ROOT / "docs/vi").iterdir())
PAGES = {(language, name): (ROOT / "docs" / language / name).read_text(encoding="utf-8")
         for language in LANGUAGES for name in NAMES}  # fmt: skip
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTED = re.compile(r"(?<!\*)\*\*([^*\n]+)\*\*(?!\*)")
BESIDE = {"in đậm", "và", "chính là", "bold"}  # emphasis, no words of a page


def commands(page: str) -> list[str]:
    return [code for language, code in BLOCK.findall(page) if language in ("sh", "console")]


def test_both_languages_have_the_same_pages_with_the_same_commands_and_pictures() -> None:
    assert sorted(path.name for path in (ROOT / "docs/en").iterdir()) == NAMES and len(NAMES) >= 5
    for name in NAMES:
        vi, en = PAGES["vi", name], PAGES["en", name]
        without_remarks = [[re.sub(r"\s+# .*", "", code) for code in commands(page)] for page in (vi, en)]
        assert without_remarks[0] == without_remarks[1], name
        assert vi.count("![") == en.count("![") and vi.count("\n## ") == en.count("\n## "), name


def test_links_lead_somewhere_and_pictures_are_made() -> None:
    screens = re.findall(r'Screen\("([\w-]+)"', (ROOT / "tests/screens.py").read_text(encoding="utf-8"))
    lost = []
    for (language, name), page in PAGES.items():
        for target in LINK.findall(page):
            picture = re.fullmatch(r"shots/(.+)-1366x768\.png", target)
            if not (picture and picture[1] in screens or target in NAMES):
                lost.append(f"{language}/{name}: {target}")
        for path in re.findall(r"`(docs/[\w./-]+)`", page):
            if not (ROOT / path).exists():
                lost.append(f"{language}/{name}: {path}")
    listed = re.findall(r"^  - (\w+\.md)$", (ROOT / "docs/mkdocs.yml").read_text(), re.MULTILINE)
    assert lost == [] and sorted(listed) == NAMES


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_that_it_quotes_stand_on_the_pages(language: str) -> None:
    english = words.english()
    said = set(english.values() if language == "en" else english)
    quoted = {(name, one) for (its, name), page in PAGES.items() if its == language for one in QUOTED.findall(page)}
    assert len(quoted) > 40
    assert [one for one in sorted(quoted) if one[1] not in said | BESIDE] == []


@pytest.mark.skipif(
    not importlib.util.find_spec("material"), reason="mkdocs-material is not installed: `./manage docs` installs it"
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_site_is_built_without_a_warning(language: str, tmp_path: Path) -> None:
    settings = ROOT / "docs" / {"vi": "mkdocs.yml", "en": "mkdocs.en.yml"}[language]
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", settings, "--site-dir", tmp_path]

    done = subprocess.run(
        command, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=240
    )

    assert done.returncode == 0, done.stdout + done.stderr
    built = {page.name for page in tmp_path.glob("*.html")}
    assert {name.replace(".md", ".html") for name in NAMES} <= built


@pytest.fixture(scope="module")
def at_work(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A server with two report types and a program's account, and a folder with the files."""
    folder = tmp_path_factory.mktemp("handbook")
    app = create_app({"DATABASE": replaced(folder / "book.db", sqlite_template), "INSTANCE": str(folder)})
    environment = {"THONGSUOT_DATABASE": app.config["DATABASE"], "THONGSUOT_INSTANCE": str(folder)}
    for shipped in ("bpmn", "forms"):
        (folder / shipped).symlink_to(ROOT / shipped)
    with chdir(folder):
        types = [f"load bpmn/binh_duong/{code}" for code in ("BDKK", "BDGN")]
        for step in (*types, "user add may --name Máy --role client --agency tongdai_74 --no-password"):
            typed(step, environment)
        token = typed("token create may --label book", environment).split()[-1]
        with served(app) as server:
            yield folder, environment | {"SERVER": server, "TOKEN": token, "COPIES": str(folder), "PATH": os.defpath}


def typed(command: str, environment: dict[str, str], piped: str | None = None) -> str:
    """`./manage cli COMMAND`, in this process: a Python of its own for each would take half a minute."""
    for name in ("SERVER", "COPIES"):
        command = command.replace(f"${name}", environment.get(name, ""))
    done = CliRunner().invoke(main, shlex.split(command), input=piped, env=environment)
    assert done.exit_code == 0, f"{command}: {done.output}"
    return done.output


@pytest.mark.parametrize("name", [name for name in NAMES if commands(PAGES["en", name])])
def test_its_commands_do_what_they_say(name: str, at_work: tuple[Path, dict[str, str]]) -> None:
    folder, environment = at_work
    script = ["set -eu -o pipefail"]
    for line in "".join(commands(PAGES["en", name])).splitlines():
        if found := re.fullmatch(r"(?:echo '(.*)' \| )?\./manage cli (.*)", line):
            typed(found[2], environment, found[1])
        else:
            assert "./manage" not in line
            script.append(line)

    bash = ["bash", "-c", "\n".join(script)]
    done = subprocess.run(bash, cwd=folder, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    if name == "integrator.md":
        receipt = json.loads((folder / "bien-nhan.json").read_text())
        assert receipt["number"].startswith("1022.BD.") and done.stdout.count(receipt["number"]) >= 2
        signature = hmac.new(b"khoa-chung", b'1630630800.{"event":"closed"}', "sha256").hexdigest()
        assert done.stdout.rstrip().endswith(signature)
