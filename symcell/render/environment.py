"""The one Jinja environment: templates hold structure only, so a missing name is an error."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2


@cache
def environment() -> jinja2.Environment:
    """Return the environment over the folder of templates."""
    import symcell.templates

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(symcell.templates.__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
