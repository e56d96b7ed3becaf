-- Where no hashes are logged, from the counts alone. A turn's prompt can repeat the one before if it
-- has grown by what was answered then, so that the history may have been kept as it was.
--   Nothing is cached today: at most the prompt of the turn before could be read.
--   The cache writes today: what it held after the turn before is what it read and wrote then. If this
--   turn reads less of that after a pause, and writes it again, the pause has cost it. Lives shorter
--   than today's are taken to lose all that is read after such a pause.
with turns as (
    select
        calls.call,
        caching.cell,
        caching.short,
        caching.long,
        caching.retimed,
        caching.kind = 'automatic' as automatic,
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as tokens,
        current.cache_read_input_tokens as read,
        current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as written,
        bool_or(current.cache_write_1h_input_tokens > 0) over talk as lasting,
        lag(tokens) over conversation as tokens_before,
        lag(read + written) over conversation as held,
        lag(current.output_tokens) over conversation as answered_before,
        epoch_us(calls.seen_at) - lag(epoch_us(calls.seen_at)) over conversation as gap
    from current
    inner join calls using (call)
    inner join caching
        on caching.provider_id = current.provider_id
        and caching.model_id = current.model_id
        and caching.workflow is not distinct from calls.workflow
        and caching.agent = calls.agent
    where
        not caching.hashed
        and calls.ok
        and not calls.embeds
        and current.cost > 0
        and calls.seen_at is not null
        and (calls.conversation_id is not null or caching.retimed)
    window
        talk as (
            partition by caching.cell, coalesce(calls.key, ''), calls.conversation, calls.thread
        ),
        conversation as (talk order by calls.seen_at, calls.call_id)
)

select
    if(retimed, 'counts', 'blocks') as path,
    call,
    cell,
    tokens,
    if(retimed, read + written, tokens) as marked_tokens,
    gap,
    null::bigint as next_gap,
    0 as static_tokens,
    if(automatic and gap <= short and grown, tokens_before, 0) as static_short,
    if(automatic and gap <= long and grown, tokens_before, 0) as static_long,
    case
        when not retimed then if(gap <= short and grown, tokens_before, 0)
        when lasting and (gap is null or gap > short) then 0
        else read
    end as rolling_short,
    case
        when not retimed then if(gap <= long and grown, tokens_before, 0)
        when lost then held
        else read
    end as rolling_long,
    0 as stepped_short,
    0 as stepped_long,
    0 as warm_short,
    0 as warm_long,
    retimed and lost as again,
    case when retimed and gap <= short and tokens >= held then read >= held end as held_on
from turns,
    lateral (
        select
            coalesce(tokens >= tokens_before + 0.8 * answered_before, false) as grown,
            coalesce(
                not lasting and gap > short and gap <= long and read < held and read + written >= held,
                false
            ) as lost
    )
