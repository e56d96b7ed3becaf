-- From the counts alone, how today's cache behaves from turn to turn: turns that grew by what was
-- answered before, those of them that read just what the turn before read and less than half of its
-- prompt, and calls that write although none reads.
with turns as (
    select
        current.provider_id,
        current.model_id,
        calls.workflow,
        calls.agent,
        calls.conversation_id,
        current.cache_read_input_tokens as read,
        current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as written,
        read + written + current.uncached_input_tokens as tokens,
        lag(tokens) over conversation as tokens_before,
        lag(read) over conversation as read_before,
        lag(current.output_tokens) over conversation as answered_before
    from current
    inner join calls using (call)
    where
        calls.ok
        and not calls.embeds
        and current.cost > 0
        and calls.seen_at is not null
        and current.model_id is not null
    window conversation as (
        partition by
            current.provider_id, current.model_id, calls.workflow, calls.agent,
            coalesce(calls.key, ''), calls.conversation, calls.thread
        order by calls.seen_at, calls.call_id
    )
)

select
    provider_id,
    model_id,
    workflow,
    agent,
    count(*) as calls,
    count(*) filter (written > 0) as writing,
    count(*) filter (read > 0) as reading,
    count(*) filter (grown) as grown,
    count(*) filter (grown and read > 0 and read = read_before and read < tokens_before / 2) as stuck
from turns,
    lateral (
        select
            coalesce(
                conversation_id is not null and tokens >= tokens_before + 0.8 * answered_before, false
            ) as grown
    )
group by all
having sum(read + written) > 0
order by all
