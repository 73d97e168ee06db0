"""A cell as data: its declaration as a JSON document, and back. docs/format.md describes the document.

Reading executes nothing of the document: names, words and functions are looked up in tables, what is not there is
refused, and every check of a class body is made by the same code that runs in a class body.
"""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import MISSING, fields
from typing import Any

from symcell.declare.derived import matrix_of
from symcell.declare.errors import CellError, calling_module, suggestion
from symcell.declare.formula_data import SUM_OF_MATRICES, written
from symcell.declare.formula_reader import Reader, short
from symcell.declare.matrix_sum import MatrixSum
from symcell.declare.members import MEMBERS, Output
from symcell.declare.names import check_name
from symcell.declare.namespace import Namespace
from symcell.declare.scope import MAX_NAMES
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import ANONYMOUS, NEXT, MatrixSymbol
from symcell.declare.words import words

FORMAT = "symcell cell"
VERSION = 1
MAX_TEXT = 250_000  # characters of a document: the largest cell of the zoo has 6,000
MAX_DOC = 20_000
_KEYS = ("format", "version", "name", "doc", "members", "equations", "output")
_WORDS = {word.__name__: word for word in MEMBERS if word is not Output}


def to_json(spec: CellSpec) -> str:
    """Return the document of a declaration: a line per member and equation, the same text for the same cell.

    Raises:
        CellError: it could not be read back: it is too long, or its docstring holds what cannot be printed.
    """
    _doc(spec.doc, spec.name)
    members = [{"word": type(word).__name__, "name": name} | {f.name: getattr(word, f.name) for f in fields(word)}
               for name, word in words(spec)]
    equations = [{"name": equation.name, "is": written(equation.expression)} for equation in spec.equations]
    head = {"format": FORMAT, "version": VERSION, "name": spec.name, "doc": spec.doc}
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for key, items in (("members", members), ("equations", equations)):
        lines.append(f'  "{key}": [\n    ' + ",\n    ".join(map(json.dumps, items)) + "\n  ]")
    lines.append(f'  "output": {json.dumps(spec.output)}')
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if len(text) > MAX_TEXT:
        raise CellError(f"{spec.name}: its document has {len(text)} characters; at most {MAX_TEXT} are read.")
    return text


def read(text: str | bytes) -> Namespace:
    """Return the class body that a document stands for, not yet finished.

    Raises:
        CellError: the text is not such a document, or the cell in it is not well formed.
    """
    document = _object(_parsed(text), "the document", _KEYS)
    if document["format"] != FORMAT or document["version"] != VERSION or type(document["version"]) is not int:
        raise CellError(f"the document is {short(document['format'])} of version {short(document['version'])}; this "
                        f"symcell reads {FORMAT!r} of version {VERSION}.")
    name = _text(document["name"], "name", 64)
    check_name(name, "the document")
    body = Namespace(name)
    body["__doc__"] = _doc(document["doc"], name)
    body["__module__"] = calling_module()
    names: dict[str, Any] = {}
    for index, member in enumerate(_list(document["members"], f"{name}: members")):
        _declare(body, names, member, f"{name}: members[{index}]")
    output = _text(document["output"], f"{name}: output")
    for index, equation in enumerate(_list(document["equations"], f"{name}: equations")):
        _equation(body, names, equation, output, f"{name}: equations[{index}]")
    _check_output(body, output)
    return body


def _parsed(text: str | bytes) -> Any:
    if not isinstance(text, (str, bytes)):
        raise CellError(f"a document is text; got a {type(text).__name__}.")
    if len(text) > MAX_TEXT:
        raise CellError(f"the document has {len(text)} characters; at most {MAX_TEXT} are read.")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_not_finite, parse_float=_finite,
                          parse_int=_integer)
    except RecursionError:
        raise CellError("the document is nested too deeply to be a cell.") from None
    except UnicodeDecodeError as error:
        raise CellError(f"the document is not UTF-8 text: {error.reason} at byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise CellError(f"the document is not JSON: {error.msg}, line {error.lineno}.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise CellError(f"the document gives the key {short(twice)} twice in one object.")
    return found


def _not_finite(word: str) -> float:
    raise CellError(f"the document holds {word}; numbers are finite.")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _not_finite(short(text))


def _integer(text: str) -> int:
    if len(text) > 20:
        raise CellError(f"the document holds the integer {short(text)}, which is too large; write it as 1e20.")
    return int(text)


def _object(value: Any, where: str, keys: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an object that has these keys and no others."""
    if not isinstance(value, dict):
        raise CellError(f"{where}: expected an object with {', '.join(keys)}; got {short(value)}.")
    for key in value:
        if key not in (*keys, *optional):
            raise CellError(f"{where}: unknown key {short(key)}.{suggestion(key[:64], keys)} "
                            f"Expected {', '.join((*keys, *optional))}.")
    missing = [key for key in keys if key not in value]
    if missing:
        raise CellError(f"{where} lacks {', '.join(missing)}.")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_NAMES:
        raise CellError(f"{where}: expected a list of at most {MAX_NAMES} objects; got {short(value)}.")
    return value


def _text(value: Any, where: str, longest: int = 70) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise CellError(f"{where}: expected a text of at most {longest} characters; got {short(value)}.")
    return value


def _doc(value: Any, name: str) -> str:
    text = _text(value, f"{name}: doc", MAX_DOC)
    for character in text:  # a space of any width is printed; what turns a line around, or is no character, is not
        if not (character.isprintable() or character == "\n" or unicodedata.category(character) == "Zs"):
            raise CellError(f"{name}: doc holds a character that cannot be printed: {character!a}.")
    return text


def _declare(body: Namespace, names: dict[str, Any], member: Any, where: str) -> None:
    """Enter one member: {"word": "Matrix", "name": "W", "rows": "H", "cols": "I", "init": "uniform"}."""
    given = member.get("word") if isinstance(member, dict) else None
    word = _WORDS.get(given) if isinstance(given, str) else None
    if word is None:
        raise CellError(f"{where}: expected an object whose word is one of {', '.join(_WORDS)}; got "
                        f"{short(member if given is None else given)}.")
    needed = tuple(f.name for f in fields(word) if f.default is MISSING)
    others = tuple(f.name for f in fields(word) if f.default is not MISSING)
    values = _object(member, where, ("word", "name", *needed), others)
    values = {key: value if key == "learned" else _value(value, f"{where}.{key}") for key, value in values.items()}
    name = values.pop("name")
    check_name(name, f"{where}")
    del values["word"]
    body[name] = word(**values)
    names[name] = body[name]


def _value(value: Any, where: str) -> str | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _text(value, where)
    return value


def _equation(body: Namespace, names: dict[str, Any], equation: Any, output: str, where: str) -> None:
    """Enter one equation: {"name": "f", "is": ["sigmoid", "a"]}, or of "h.next"."""
    values = _object(equation, where, ("name", "is"))
    name = _text(values["name"], f"{where}.name")
    where = f"{where} ({short(name)})"
    reader = Reader(names, where)
    if isinstance(values["is"], list) and values["is"][:1] == [SUM_OF_MATRICES]:
        names[name] = _matrix(body, name, reader.matrix(values["is"]), where)
        return
    formula = reader.formula(values["is"])
    if name.endswith(NEXT):
        state = name.removesuffix(NEXT)
        if state not in body.scope.states:
            raise CellError(f"{where}: there is no state {short(state)}; states are "
                            f"{', '.join(body.scope.states) or 'none'}.")
        names[state].next = formula
        names[name] = names[state].next
        return
    check_name(name, where)
    if formula.is_number:
        raise CellError(f"{where} is a constant; write it where it is used, or declare a Constant.")
    body[name] = Output(formula) if name == output else formula
    names[name] = body[name]


def _matrix(body: Namespace, name: str, value: MatrixSum, where: str) -> MatrixSymbol:
    """Enter a matrix that is computed once per call; one without a name of its own is numbered."""
    if name.startswith(ANONYMOUS):
        made = matrix_of(value, body.scope)
        if made.name != name:
            raise CellError(f"{where}: sums of matrices without a name are numbered in order, each once; expected "
                            f"{made.name!r}.")
        return made
    check_name(name, where)
    body[name] = value
    found: MatrixSymbol = body[name]
    return found


def _check_output(body: Namespace, output: str) -> None:
    """Refuse an output that is neither an equation nor the first state."""
    scope = body.scope
    first = next(iter(scope.states), "") + NEXT
    if output != (scope.output or first):
        raise CellError(f"{scope.cell}: output: expected {first!r}, the first state, or the name of an equation other "
                        f"than an update; got {short(output)}.")
