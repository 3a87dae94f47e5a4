"""Measures how fast Thông Suốt is, beside a naive host and beside the floor: the same writes without an engine.

Hosts run at the same time and are asked in turns, so that a busy machine slows all of them: trust the ratios, not the
milliseconds. Every comparison has `ratio` in its key and says of what to what. docs/bench.md describes each workload.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from bench import away, beside, day, embedded, lifecycles, office, plots, services, shipped, timers, worklist, year
from bench.bed import Bed, Figures, beds, machine

WORKLOADS: dict[str, Callable[[Bed], Figures]] = {
    "lifecycle": lifecycles.lifecycle,
    "away": away.away,
    "beside": beside.beside,
    "shipped": shipped.shipped,
    "loops": lifecycles.loops,
    "full": lifecycles.full,
    "timers": timers.timers,
    "idle": timers.idle,
    "worklist": worklist.worklist,
    "office": office.office,
    "footprint": day.footprint,
    "sequence": embedded.sequence,
    "patterns": embedded.patterns,
    "decisions": embedded.decisions,
    "service": services.service,
    "day": day.day,
    "year": year.year,
    "drain": timers.drain,
}
SHORT = ("lifecycle", "loops", "full")  # ten minutes; everything takes hours
DATABASES = ("sqlite", "postgresql")
SEED = 1022


def main(arguments: list[str] | None = None) -> None:
    known = "\n".join(f"  {name:<12}{str(do.__doc__).splitlines()[0]}" for name, do in WORKLOADS.items())
    parser = argparse.ArgumentParser(
        prog="thongsuot bench", description=__doc__, epilog=f"workloads:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", metavar="A,B=S", type=_shares, default=dict.fromkeys(SHORT),
                       help=f"these workloads, =S: with another share of one; else {', '.join(SHORT)}")  # fmt: skip
    which.add_argument("--all", dest="only", action="store_const", const=dict.fromkeys(WORKLOADS),
                       help="all workloads, which takes hours")  # fmt: skip
    parser.add_argument("--database", metavar="KIND", type=_names(DATABASES), default=DATABASES,
                        help="sqlite or postgresql; else both")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to see that it runs")
    parser.add_argument("--share", type=float, metavar="S", help="another share of the work, as 0.01")
    parser.add_argument("--seed", type=int, default=SEED, help="of everything that is drawn by lot")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw curves into this folder, as SVG")
    options = parser.parse_args(arguments)
    share = options.share or (0.1 if options.quick else 1.0)
    figures = measure(options.only, options.database, share, options.seed, options.plots)
    print(json.dumps(figures, indent=2, ensure_ascii=False) if options.json else table(figures))


def measure(
    only: Mapping[str, float | None], kinds: tuple[str, ...], share: float, seed: int = SEED,
    pictures: Path | None = None,
) -> Figures:  # fmt: skip
    """All figures of these workloads, each key beginning with the database and the workload.

    Args:
        only: which, and the share of its work that each does, where that is another than ``share``.
    """
    figures: Figures = {**machine(), "share_of_work": share, "seed": seed}
    with beds(kinds, share) as made:
        for bed in made:
            for name, own in only.items():
                random.seed(seed)
                bed.say(f"{name}: {str(WORKLOADS[name].__doc__).splitlines()[0]}")
                began = time.monotonic()
                found = WORKLOADS[name](replace(bed, share=own or share))
                found |= {"share": own or share, "took_s": round(time.monotonic() - began, 1)}
                bed.say(f"{name}: {found}")  # should the rest be cut off
                figures |= {f"{bed.kind}_{name}_{key}": value for key, value in found.items()}
            if pictures is not None:
                _draw(bed, pictures)
    return figures | {"load_after": round(os.getloadavg()[0], 1)}


def table(figures: Figures) -> str:
    width = max(len(key) for key in figures)
    return "\n".join(f"{key.replace('_', ' '):<{width}}  {value}" for key, value in figures.items())


def _draw(bed: Bed, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for title, curves in bed.curves.items():
        path = folder / f"{bed.kind}-{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}.svg"
        path.write_text(plots.svg(f"{bed.kind}: {title}", curves), encoding="utf-8")
        print(f"» {path}", file=sys.stderr)


def _shares(words: str) -> dict[str, float | None]:
    """Reads "a,b=0.1": any workloads, with the shares that they have of their own."""
    own = dict(word.strip().partition("=")[::2] for word in words.split(","))
    try:
        shares = {name: float(share) if share else None for name, share in own.items()}
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a share is a number, as in drain=0.1: {error}") from error
    return {name: shares[name] for name in _names(tuple(WORKLOADS))(",".join(own))}


def _names(names: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Reads "a,b": any of these."""

    def read(words: str) -> tuple[str, ...]:
        chosen = tuple(word.strip() for word in words.split(",") if word.strip())
        for word in chosen:
            if word not in names:
                raise argparse.ArgumentTypeError(f"there is no {word!r}; there are {', '.join(names)}")
        return chosen

    return read


if __name__ == "__main__":
    main()
