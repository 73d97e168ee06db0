"""Program and graphs -> text: C and Cython through Jinja, derivations in LaTeX and Markdown."""
