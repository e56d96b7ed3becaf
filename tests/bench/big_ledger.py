"""A ledger of ten million calls, made by DuckDB and stored through tokman's own table."""

from __future__ import annotations

import sys
from pathlib import Path

ROWS = 10_000_000
AT_A_TIME = 500_000

MADE = """
create or replace temp table made as
with numbers as (
    select range as n, hash(range) as h, hash(range + 1000000007) as g
    from range($first, $last)
),

tokens as (
    select
        n,
        h,
        g,
        (h % 3000)::bigint as uncached,
        case when g % 10 < 4 then (g % 60000)::bigint else 0 end as cached,
        case when g % 20 < 3 then (g % 4000)::bigint else 0 end as written,
        (1 + h % 900)::bigint as answer,
        ((h % 1000) * (h % 1000) // 25001)::int as job
    from numbers
)

select
    'chatcmpl-' || lpad(to_hex(h), 16, '0') || lpad(to_hex(n), 8, '0') as call_id,
    make_timestamp(1767225600000000 + n * 2592000 + (h % 2592000)::bigint) as started_at,
    'log' as time_basis,
    'chat' as operation_name,
    if(h % 3 = 0, 'anthropic', 'openai') as provider_name,
    'model-' || (h % 12) as request_model,
    'model-' || (h % 12) || '-2026-01-01' as response_model,
    if(g % 9 = 0, 'batch', null) as service_tier,
    if(g % 97 = 0, 'error', 'ok') as status,
    if(g % 97 = 0, 'RateLimitError', null) as error_type,
    'stop' as finish_reason,
    false as response_cache_hit,
    g % 2 = 0 as stream,
    (200 + h % 9000)::bigint as duration_ms,
    uncached as uncached_input_tokens,
    cached as cache_read_input_tokens,
    written as cache_write_5m_input_tokens,
    answer as output_tokens,
    'final' as output_basis,
    ((uncached * 3 + answer * 15)::decimal(18, 0) * 0.000001)::decimal(18, 12) as billed_cost,
    case when h % 12 <> 11 then
        ((uncached * 30 + cached * 3 + written * 37 + answer * 150)::decimal(18, 0)
        * 0.0000001)::decimal(18, 12)
    end as list_cost,
    list_cost as contracted_cost,
    'rate-' || (h % 12) as rate_id,
    'catalogue' as price_basis,
    if(h % 12 = 11, 'unknown model', null) as unpriced_reason,
    'bench' as rate_card,
    'workflow-' || job as workflow,
    'explicit' as workflow_basis,
    'u-' || (g % 500) as user_id,
    'team-' || (job % 8) as team,
    'project-' || (job % 15) as project,
    'prod' as environment,
    'key-' || (g % 60) as api_key_alias,
    lpad(to_hex(g % 60), 16, '0') as api_key_hash,
    'sess-' || (n // 8) as conversation_id,
    ['workflow:workflow-' || job, 'env:prod'] as tags,
    (h % 9223372036854775807)::bigint as request_hash,
    'litellm' as source,
    '/var/log/litellm/spend-' || (n // 500000) || '.jsonl' as file,
    1 + n % 500000 as line
from tokens
"""


def write(folder: Path, rows: int = ROWS) -> None:
    """Make the ledger at `folder`."""
    from tokman.ledger import Ledger
    from tokman.query import database
    from tokman.usage import QUANTITIES, stored_schema

    ledger = Ledger(folder, create=True)
    connection = database()
    # The columns that are not made are there all the same, empty.
    schema = stored_schema()
    connection.register("nothing", schema.empty_table())
    made = [f"coalesce({name}, 0)::bigint as {name}" for name in
            (*QUANTITIES, "reasoning_output_tokens")]  # fmt: skip
    made += ["started_at::date as day", "'bench' as ingest_id"]
    for first in range(0, rows, AT_A_TIME):
        last = min(first + AT_A_TIME, rows)
        connection.execute(MADE, {"first": first, "last": last})
        stored = connection.sql(
            f"select * replace ({', '.join(made)}) from "
            "(from nothing union all by name from made) order by started_at, call_id"
        )
        ledger.append(stored.to_arrow_table().select(schema.names).cast(schema))
    ledger.compact()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
