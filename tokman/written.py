"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tokman.errors import TokmanError


def write_whole(path: Path, text: str, hint: str) -> None:
    """Put the text in the file, which until then is as it was; a link stays a link.

    TokmanError with the hint where it cannot be written.
    """
    try:
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            raise TokmanError(f"{path} is not a file", hint)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            draft.write_text(text, encoding="utf-8", newline="\n")
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise TokmanError(f"{path}: {error.strerror}", hint) from error


def append_whole(path: Path, text: str, hint: str) -> None:
    """Add the text to the end of the file, which is made where there is none, in one write.

    TokmanError with the hint where it cannot be written.
    """
    content = text.encode()
    try:
        with path.open("ab", buffering=0) as file:
            before = file.tell()
            if file.write(content) != len(content):
                file.truncate(before)
                raise TokmanError(f"{path}: no room", hint)
    except OSError as error:
        raise TokmanError(f"{path}: {error.strerror}", hint) from error
