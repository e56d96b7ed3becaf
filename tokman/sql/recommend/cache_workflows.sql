-- Each workflow on each model: how much of its prompts is cached today, and what there is to judge
-- by. Coding agents are apart: their client, not the user, marks what is cached.
select
    calls.provider_id,
    calls.model_id,
    calls.workflow,
    calls.agent,
    (hash(calls.provider_id, calls.model_id, calls.workflow, calls.agent) >> 1)::bigint as place,
    count(*) as calls,
    count(distinct calls.day) as days,
    count(calls.block_hashes) as hashed,
    count(*) - count(distinct calls.conversation) as later_turns,
    sum(calls.cost) as cost,
    sum(
        calls.uncached_input_tokens + calls.cache_read_input_tokens
        + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens
    ) as all_input,
    sum(calls.cache_read_input_tokens) as cache_read,
    sum(calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens) as cache_written,
    sum(calls.cache_write_1h_input_tokens) as written_1h
from calls
where
    calls.ok
    and not calls.embeds
    and calls.cost > 0
    and calls.seen_at is not null
    and calls.model_id is not null
group by calls.provider_id, calls.model_id, calls.workflow, calls.agent
having calls > 1 and all_input > 0
order by cost desc, calls.provider_id, calls.model_id, calls.workflow, calls.agent
