"""For mkdocs: `./manage screenshots` makes the handbook's pictures; a page shows those that are there.

A page says ``![A task](shots/mot-viec-1366x768.png)``; that is `screenshots/mot-viec-1366x768.png` of the source.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

MADE = Path(__file__).resolve().parent.parent / "screenshots"
PICTURE = re.compile(r"!\[[^\]]*\]\(shots/([\w-]+\.png)\)\n?")


def on_files(files: Files, config: Any) -> Files:
    for path in sorted(Path(config.docs_dir).glob("*.md")):
        for name in PICTURE.findall(path.read_text(encoding="utf-8")):
            if (MADE / name).exists() and f"shots/{name}" not in files.src_uris:
                files.append(File.generated(config, f"shots/{name}", abs_src_path=str(MADE / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    return PICTURE.sub(lambda found: found[0] if (MADE / found[1]).exists() else "", markdown)
