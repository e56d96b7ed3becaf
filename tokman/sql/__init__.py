"""Every question asked of the ledger, one SELECT a file, readable in any SQL shell."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def text(name: str) -> str:
    """The SELECT in `<name>.sql`, ready to be a statement or a subquery."""
    return (FOLDER / f"{name}.sql").read_text().rstrip().rstrip(";")
