-- Each workflow on each model: how much of its prompts is cached today, and what there is to judge
-- by. Coding agents are apart: their client, not the user, marks what is cached.
select
    current.provider_id,
    current.model_id,
    calls.workflow,
    calls.agent,
    (hash(current.provider_id, current.model_id, calls.workflow, calls.agent) >> 1)::bigint as place,
    count(*) as calls,
    count(distinct calls.day) as days,
    count(calls.block_hashes) as hashed,
    count(*) - count(distinct calls.conversation) as later_turns,
    sum(current.cost) as cost,
    sum(
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens
    ) as all_input,
    sum(current.cache_read_input_tokens) as cache_read,
    sum(current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens) as cache_written,
    sum(current.cache_write_1h_input_tokens) as written_1h
from current
inner join calls using (call)
where
    calls.ok
    and not calls.embeds
    and current.cost > 0
    and calls.seen_at is not null
    and current.model_id is not null
group by current.provider_id, current.model_id, calls.workflow, calls.agent
having calls > 1 and all_input > 0
order by cost desc, current.provider_id, current.model_id, calls.workflow, calls.agent
