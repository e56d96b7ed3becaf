"""How a run of the command line ends, whatever happened in it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from tokman.errors import TokmanError

INTERRUPTED = 130
"""128 and the number of SIGINT."""


def of(command: Callable[[], Any]) -> int:
    """Run the command; every failure is one line on stderr, a hint, and the exit code."""
    code: Any = None
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        code = command()
        sys.stdout.flush()
    except TokmanError as error:
        code = _fail(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        code = _fail("interrupted; what was committed stays", None, INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        code = _fail(f"{place}{error.strerror or error}", None, 2)
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error, file=sys.stderr)
            code = 2
        elif hasattr(error, "format_message"):
            path = getattr(getattr(error, "ctx", None), "command_path", "tokman")
            code = _fail(error.format_message(), f"{path} --help", 2)
        elif os.environ.get("TOKMAN_TRACEBACK"):
            raise
        else:
            words = str(error).strip().splitlines() or [""]
            code = _fail(
                f"tokman went wrong: {type(error).__name__}: {words[0]}",
                "set TOKMAN_TRACEBACK=1 to see where, and report it",
                2,
            )
    return code if isinstance(code, int) else 0


def at_once(code: int) -> NoReturn:
    """End the process with that exit code, its output written, and leave the memory to the system:
    to give back every table and library piece by piece takes longer than most commands."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _fail(message: str, hint: str | None, code: int) -> int:
    from tokman.render.cells import harmless

    print(f"error: {harmless(message)}", file=sys.stderr)
    if hint:
        print(f"hint: {harmless(hint)}", file=sys.stderr)
    return code
