"""Fills the templates. All values are escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from storyboard_worker.web.board import assets, cards, pictures, shown_values
from storyboard_worker.web.picture.symbols import GRID, SYMBOLS, State
from storyboard_worker.web.texts.catalogue import Texts

FOLDER = Path(__file__).parent / "templates"
# The others are folded away, so that the panels stay in sight.
FIRST_CAUSES = 5


def render(name: str, text: Texts, **values: Any) -> str:
    """The template ``name`` in the language of ``text``. A value that is missing is an error."""
    return _template(name).render(text=text, **values)


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {
        "asset": assets.address_of,
        "ago": shown_values.ago,
        "ahead": shown_values.ahead,
        "how_far": shown_values.how_far,
        "long_time": shown_values.long_time,
        "name_of": cards.name_of,
        "project_name": cards.project_name,
        "version_of": cards.version_of,
        "symbol_lines": _symbol_lines,
        "symbol_grid": GRID,
        "first_causes": FIRST_CAUSES,
    }
    environment.filters |= {
        "moment": shown_values.moment,
        "machine": shown_values.machine_moment,
        "size": shown_values.size_of,
        "number": shown_values.number,
        "sentence": shown_values.sentence,
        "with_code": shown_values.with_code,
        "thumbnail": pictures.thumbnail,
        "preview": pictures.preview,
    }
    return environment


def _symbol_lines(state: str) -> str:
    return SYMBOLS[State(state)].lines
