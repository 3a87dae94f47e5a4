"""Routing tables and the units of a day: gaps and overlaps over districts and communes, and what is no more."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine import areas, folders, packages
from engine.flow.check import check
from engine.flow.places import Place
from tests.clock import VIETNAM
from tests.drawing import draw
from tests.hotline import LIFE, PROVINCE, package
from tests.test_areas import lists, loaded, run  # noqa: F401
from tests.test_decision_files import dmn
from webapi.cli import main

BPMN = Path(__file__).parent.parent / "bpmn"
