"""A ledger of ten million calls, made by DuckDB and stored through tokman's own table.

Conversations of eight turns in 40 workflows; a third of the prompts are hashed, some turns call
tools, some requests come again: every lever has work.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROWS = 10_000_000
AT_A_TIME = 500_000

MODELS = (
    "gpt-5.5 gpt-5.4-mini claude-sonnet-4-5 gpt-5.1 claude-haiku-4-5 gpt-5-mini claude-opus-4-8 "
    "gpt-5.4 claude-sonnet-4-6 gpt-5.2 claude-opus-4-5"
).split()
"""Of twelve models; the last one is known to nobody."""

MADE = """
create or replace temp table made as
with numbers as (
    select
        range as n,
        range // 8 as talk,
        range % 8 as turn,
        hash(range) as h,
        hash(range + 1000000007) as g,
        hash(range // 8) as c,
        coalesce($models[(hash(range // 8) % 12)::bigint + 1], 'model-unknown') as model
    from range($first, $last)
),

tokens as (
    select
        *,
        c % 3 = 0 as hashed,
        g % 5 = 0 and turn < 7 as calls_tool,
        (h % 3000)::bigint as uncached,
        case when g % 10 < 4 then (g % 60000)::bigint else 0 end as cached,
        case when g % 20 < 3 then (g % 4000)::bigint else 0 end as written,
        (1 + h % 900)::bigint as answer,
        ((c % 1000) * (c % 1000) // 25001)::int as job
    from numbers
)

select
    'chatcmpl-' || lpad(to_hex(h), 16, '0') || lpad(to_hex(n), 8, '0') as call_id,
    make_timestamp(1767225600000000 + n * 2592000 + (h % 2592000)::bigint) as started_at,
    'log' as time_basis,
    'chat' as operation_name,
    if(starts_with(model, 'claude'), 'anthropic', 'openai') as provider_name,
    model as request_model,
    model as response_model,
    if(g % 9 = 0, 'batch', null) as service_tier,
    if(g % 97 = 0, 'error', 'ok') as status,
    if(g % 97 = 0, 'RateLimitError', null) as error_type,
    if(calls_tool, 'tool_calls', 'stop') as finish_reason,
    false as response_cache_hit,
    g % 2 = 0 as stream,
    (200 + h % 9000)::bigint as duration_ms,
    uncached as uncached_input_tokens,
    cached as cache_read_input_tokens,
    written as cache_write_5m_input_tokens,
    answer as output_tokens,
    'final' as output_basis,
    ((uncached * 3 + answer * 15)::decimal(18, 0) * 0.000001)::decimal(18, 12) as billed_cost,
    case when c % 12 <> 11 then
        ((uncached * 30 + cached * 3 + written * 37 + answer * 150)::decimal(18, 0)
        * 0.0000001)::decimal(18, 12)
    end as list_cost,
    list_cost as contracted_cost,
    'rate-' || (c % 12) as rate_id,
    'catalogue' as price_basis,
    if(c % 12 = 11, 'unknown model', null) as unpriced_reason,
    'bench' as rate_card,
    'workflow-' || job as workflow,
    'explicit' as workflow_basis,
    'u-' || (c % 500) as user_id,
    'team-' || (job % 8) as team,
    'project-' || (job % 15) as project,
    'prod' as environment,
    'key-' || (c % 60) as api_key_alias,
    lpad(to_hex(c % 60), 16, '0') as api_key_hash,
    'sess-' || talk as conversation_id,
    ['workflow:workflow-' || job, 'env:prod'] as tags,
    -- One request in twenty is that of another call of its workflow.
    (if(g % 20 = 0, hash(job, h % 1000), h) % 9223372036854775807)::bigint as request_hash,
    (h % 9223372036854775807)::bigint as response_hash,
    case when hashed then
        [(hash(job, 1) >> 1)::bigint, (hash(job, 2) >> 1)::bigint]
        || list_transform(range(turn + 1), lambda place: (hash(talk, place) >> 1)::bigint)
    end as block_hashes,
    case when hashed then [6000, 3000] || list_transform(range(turn + 1), lambda place: 900) end
        as block_sizes,
    case when hashed then 1 end as tool_blocks,
    case when hashed then 1 end as system_blocks,
    case when calls_tool then [(hash(job, g % 50) >> 1)::bigint] end as tool_call_hashes,
    case when calls_tool then ['tool-' || (g % 12)] end as tool_names,
    case when turn > 0 and g % 5 = 1 then [(hash(job, h % 50) >> 1)::bigint] end
        as tool_result_hashes,
    case when turn > 0 and g % 5 = 1 then [(h % 20000)::bigint] end as tool_result_bytes,
    if(turn > 0 and g % 5 = 1, 'tool', 'user') as turn,
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
        connection.execute(MADE, {"first": first, "last": last, "models": MODELS})
        stored = connection.sql(
            f"select * replace ({', '.join(made)}) from "
            "(from nothing union all by name from made) order by started_at, call_id"
        )
        ledger.append(stored.to_arrow_table().select(schema.names).cast(schema))
    ledger.compact()


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ROWS)
