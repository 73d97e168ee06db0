"""Jinja templates of the generated code; installed as `symcell.templates`."""
