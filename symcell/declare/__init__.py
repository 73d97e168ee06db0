"""The language in which a cell is declared."""
