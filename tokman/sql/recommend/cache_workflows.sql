-- Each workflow on each model: how much of its prompts is cached today, and what there is to judge by.
-- Coding agents are left out: their client decides what is cached.
select
    current.provider_id,
    current.model_id,
    calls.workflow,
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
    sum(current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens) as cache_written
from current
inner join calls using (call)
where
    calls.ok
    and not calls.agent
    and calls.seen_at is not null
    and current.model_id is not null
group by all
having calls > 1 and all_input > 0
order by cost desc, current.provider_id, current.model_id, calls.workflow
