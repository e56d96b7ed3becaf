"""What tokman is raced against: ccusage, and DuckDB driven by hand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from .corpus import HOME
from .measure import Failed

CCUSAGE = "20.0.24"

LITELLM_COLUMNS = {
    "request_id": "VARCHAR",
    "call_type": "VARCHAR",
    "api_key": "VARCHAR",
    "spend": "DOUBLE",
    "total_tokens": "BIGINT",
    "prompt_tokens": "BIGINT",
    "completion_tokens": "BIGINT",
    "startTime": "TIMESTAMP",
    "endTime": "TIMESTAMP",
    "completionStartTime": "TIMESTAMP",
    "request_duration_ms": "BIGINT",
    "model": "VARCHAR",
    "model_group": "VARCHAR",
    "custom_llm_provider": "VARCHAR",
    "user": "VARCHAR",
    "end_user": "VARCHAR",
    "team_id": "VARCHAR",
    "session_id": "VARCHAR",
    "cache_hit": "VARCHAR",
    "status": "VARCHAR",
    "metadata": "VARCHAR",
    "request_tags": "VARCHAR",
}

CONVERT = """
import json, sys, duckdb
source, target, columns = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
con.execute(
    "copy (select * from read_json($source, format = 'newline_delimited', columns = "
    + "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"
    + ", maximum_object_size = 67108864)) to '" + target + "' (format parquet, compression zstd)",
    {"source": source},
)
"""

SUMS = """
import json, sys, duckdb
row = duckdb.sql(
    "select count(*), count(*) filter (status = 'failure'), sum(prompt_tokens)::bigint,"
    " sum(completion_tokens)::bigint, sum(round(spend * 1e12)::bigint)::bigint"
    f" from '{sys.argv[1]}'"
).fetchall()[0]
print(json.dumps(row))
"""

AGGREGATE = """
import json, sys, duckdb
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
rows = con.sql(f'''
    select
        workflow,
        count(*) as calls,
        sum(uncached_input_tokens)::bigint as uncached_input_tokens,
        sum(cache_read_input_tokens)::bigint as cache_read_input_tokens,
        sum(cache_write_5m_input_tokens)::bigint as cache_write_5m_input_tokens,
        sum(cache_write_1h_input_tokens)::bigint as cache_write_1h_input_tokens,
        sum(output_tokens)::bigint as output_tokens,
        sum(list_cost)::varchar as list_cost
    from read_parquet('{sys.argv[1]}/usage/*.parquet')
    group by workflow
    order by sum(list_cost) desc
''')
names = [column[0] for column in rows.description]
print(json.dumps([dict(zip(names, row)) for row in rows.fetchall()]))
"""

MORE = """
        sum(audio_input_tokens)::bigint as audio_input_tokens,
        sum(image_input_tokens)::bigint as image_input_tokens,
        sum(cache_read_audio_input_tokens)::bigint as cache_read_audio_input_tokens,
        sum(audio_output_tokens + image_output_tokens)::bigint as more_output_tokens,
        count(*) filter (status = 'error') as failed_calls,
        sum(contracted_cost)::varchar as contracted_cost,
        sum(billed_cost)::varchar as billed_cost,
        count(billed_cost) as billed_calls,
        count(*) filter (list_cost is null) as unpriced_calls,
        sum(
            uncached_input_tokens + cache_read_input_tokens + cache_write_5m_input_tokens
            + cache_write_1h_input_tokens + audio_input_tokens + cache_read_audio_input_tokens
            + image_input_tokens + output_tokens + audio_output_tokens + image_output_tokens
        ) filter (list_cost is null)::bigint as unpriced_tokens,
        count(*) filter (output_basis = 'partial') as partial_calls,
        count(*) filter (time_basis = 'file') as undated_calls,
        min(started_at)::varchar as first_call,
        max(started_at)::varchar as last_call,
"""

SCAN = """
import json, sys, duckdb
con = duckdb.connect()
con.execute("set enable_progress_bar = false")
files = f"read_parquet('{sys.argv[1]}/usage/*.parquet')"
known = {row[0] for row in con.sql(f"describe select * from {files}").fetchall()}
read = [f'"{name}"' for name in sys.argv[2].split() if name in known]
sums = ", ".join(f"bit_xor(hash({name}))::varchar as {name}" for name in read)
found = con.sql(f"select count(*) as calls, {sums} from {files}")
print(json.dumps(dict(zip(found.columns, found.fetchall()[0]))))
"""


def scan(ledger: Path) -> list[str]:
    """Every value, once, of the columns that recommendations are made from."""
    from tokman import sql

    words = sorted({*re.findall(r"[a-z_0-9]+", sql.text("recommend/calls"))} | {"user_id"})
    return [sys.executable, "-c", SCAN, str(ledger), " ".join(words)]


def ccusage() -> str:
    """The native binary of ccusage, installed from npm into .bench/npm if it is not there."""
    place = HOME / "npm" / "node_modules"
    stated = place / "ccusage" / "package.json"
    if not stated.is_file() or json.loads(stated.read_text())["version"] != CCUSAGE:
        print(f"installing ccusage {CCUSAGE} from npm …", file=sys.stderr, flush=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", f"ccusage@{CCUSAGE}"]
        try:
            subprocess.run(command, cwd=place.parent, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Failed(f"ccusage cannot be installed: {error}") from error
    found = sorted(place.glob("@ccusage/ccusage-*/bin/ccusage"))
    if not found:
        raise Failed(f"no native binary of ccusage below {place}")
    # The package leaves that to its launcher.
    found[0].chmod(0o755)
    return str(found[0])


def ccusage_daily() -> list[str]:
    """Totals by day, prices from the binary itself."""
    return [ccusage(), "daily", "--offline", "--json"]


def convert(source: Path, target: Path) -> list[str]:
    """DuckDB's typed reading of a LiteLLM file into Parquet."""
    return [sys.executable, "-c", CONVERT, str(source), str(target), json.dumps(LITELLM_COLUMNS)]


def converted_sums(target: Path) -> list[int]:
    """Rows, failures, prompt and completion tokens, pico-dollars in the file `convert` made."""
    command = [sys.executable, "-c", SUMS, str(target)]
    out = subprocess.run(command, check=True, capture_output=True).stdout
    sums: list[int] = json.loads(out)
    return sums


def aggregate(ledger: Path) -> list[str]:
    """Spend by workflow the way someone would ask DuckDB for it."""
    return [sys.executable, "-c", AGGREGATE, str(ledger)]


def same_aggregate(ledger: Path) -> list[str]:
    """The same with every figure that `tokman report` prints."""
    code = AGGREGATE.replace("        sum(list_cost)", MORE + "        sum(list_cost)", 1)
    return [sys.executable, "-c", code, str(ledger)]
