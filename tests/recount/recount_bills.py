"""Adds up cloud bills with the standard library alone: `python recount_bills.py FILE...`

Prints, for each file, its lines and the exact sums of its amounts. Knows nothing of tokman.
"""

import csv
import gzip
import io
import json
import sys
from decimal import Decimal, getcontext
from pathlib import Path

getcontext().prec = 60

COLUMNS = {
    "focus": {
        "billed": "BilledCost",
        "list": "ListCost",
        "contracted": "ContractedCost",
        "effective": "EffectiveCost",
    },
    "azure": {"billed": "Cost"},
}


def rows(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    text = content.decode("utf-8-sig")
    if ".json" in path.name:
        answer = json.loads(text)
        if "schema" not in answer:
            return []
        names = [field["name"] for field in answer["schema"]["fields"]]
        return [
            {name: cell["v"] for name, cell in zip(names, row["f"], strict=True)}
            for row in answer["rows"]
        ]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def total(path: Path) -> dict[str, object]:
    found = rows(path)
    kind = "azure" if found and "Cost" in found[0] else "focus"
    sums: dict[str, object] = {"lines": len(found)}
    for name, column in COLUMNS[kind].items():
        amounts = [Decimal(row[column].strip()) for row in found if row.get(column)]
        sums[name] = str(sum(amounts, Decimal(0)).normalize())
    return sums


if __name__ == "__main__":
    print(json.dumps({Path(name).name: total(Path(name)) for name in sys.argv[1:]}, indent=1))
