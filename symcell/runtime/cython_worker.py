"""Cython that stays in memory: a program of its own, which symcell.runtime.translators starts.

Its argument is the folder where Cython finds what is cimported. A line of JSON in, [folder, name, module]:
folder/name.pyx is translated to folder/name.c as `module`. A line out, "done" or "failed". It imports Cython only, and
ends with its input.
"""

import json
import os
import sys


def main() -> None:
    """Translate until the input ends."""
    from Cython.Compiler.Main import compile
    from Cython.Compiler.Options import CompilationOptions

    for line in sys.stdin:
        folder, name, module = json.loads(line)
        os.chdir(folder)  # relative names: the C text must not depend on the folder it is made in
        options = CompilationOptions(language_level=3, include_path=[sys.argv[1]], output_file=f"{name}.c")
        result = compile(f"{name}.pyx", options, full_module_name=module)
        sys.stdout.write("failed\n" if result.num_errors else "done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
