-- Where no hashes are logged: at most the prompt of the turn before can be read again, if this turn's
-- prompt has grown by what was answered then, so that the history may have been kept as it was.
with turns as (
    select
        calls.call,
        caching.cell,
        caching.short,
        caching.long,
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as tokens,
        lag(tokens) over conversation as tokens_before,
        lag(current.output_tokens) over conversation as answered_before,
        epoch_us(calls.seen_at) - lag(epoch_us(calls.seen_at)) over conversation as gap
    from current
    inner join calls using (call)
    inner join caching
        on caching.provider_id = current.provider_id
        and caching.model_id = current.model_id
        and caching.workflow is not distinct from calls.workflow
    where
        not caching.hashed
        and calls.ok
        and not calls.agent
        and calls.seen_at is not null
        and calls.conversation_id is not null
    window conversation as (
        partition by caching.cell, coalesce(calls.key, ''), calls.conversation_id
        order by calls.seen_at, calls.call_id
    )
)

select
    call,
    cell,
    tokens,
    0 as blocks,
    0 as short_run,
    0 as long_run,
    0 as static_tokens,
    if(gap <= short and grown, tokens_before, 0) as short_tokens,
    if(gap <= long and grown, tokens_before, 0) as long_tokens
from turns, lateral (select coalesce(tokens >= tokens_before + 0.8 * answered_before, false) as grown)
