"""SQL files of named statements, and how to read one.

A statement begins with a line ``-- name: <what it answers>`` and reaches to the next such line.
"""

import re
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)\n", re.M)


def read_statements(path: Path) -> dict[str, str]:
    """Read the named statements of a file, in its order.

    Args:
        path: The SQL file; what stands above the first name is its comment.

    Returns:
        Statements by name, without a closing semicolon.

    Raises:
        ValueError: Two statements have one name, or there is none.
    """
    parts = _NAME.split(path.read_text("utf-8"))[1:]
    names, texts = parts[::2], parts[1::2]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{path} has no named statement, or two of one name: {names}")
    return {name: text.strip().removesuffix(";") for name, text in zip(names, texts, strict=True)}
