"""The command line: it parses, calls and prints, and nothing is computed here.

    commands   the commands, one function each: read this first
    cells      what CELL means: a name of the zoo, a file, a module
    userfile   running a user's file, and saying in one paragraph what went wrong in it
    program    how every command ends: messages and exit codes
    terminal   tables and progress, on a terminal and in a pipe

The other modules belong to a command each.
"""

from symcell.cli.commands import main

__all__ = ["main"]
