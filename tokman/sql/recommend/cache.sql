-- The usage of each call as a way of caching its cell would have billed it.
--   none       nothing is cached        automatic  what the provider finds again, in whole steps
--   static     the prefix that conversations share is marked
--   rolling    the end of each prompt is marked too; from there the provider looks back some blocks
-- A call that reads as much from a cache today already stays as it is.
with reached as (
    select
        current.* exclude (cost),
        reach.cell,
        choice.option,
        choice.writes,
        tokens,
        if(choice.writes = '1h', long_tokens, short_tokens) as alive,
        if(choice.writes = '1h', long_run, short_run) as run,
        case choice.kind
            when 'automatic' then alive // caching.step * caching.step
            when 'static' then least(alive, static_tokens)
            when 'rolling' then if(
                blocks - run <= caching.lookback, alive, least(alive, static_tokens)
            )
            else 0
        end as possible,
        if(possible >= caching.minimum, possible * caching.hits // 100, 0) as found,
        case choice.kind
            when 'static' then static_tokens
            when 'rolling' then tokens
            else 0
        end as marked,
        if(marked >= caching.minimum, greatest(marked - found, 0), 0) as written
    from (
        select reach.*
        from reach
        inner join caching using (cell)
        inner join calls using (call)
        where $sample = 0 or calls.tie % (caching.calls // $sample + 1) = 0
    ) as reach
    inner join caching using (cell)
    inner join choice using (cell)
    inner join current using (call)
)

select
    reached.* exclude (writes, tokens, alive, run, possible, found, marked, written) replace (
        tokens - found - written as uncached_input_tokens,
        found as cache_read_input_tokens,
        if(writes = '5m', written, 0) as cache_write_5m_input_tokens,
        if(writes = '1h', written, 0) as cache_write_1h_input_tokens
    )
from reached,
    lateral (
        select
            cache_read_input_tokens as read_today,
            cache_write_5m_input_tokens + cache_write_1h_input_tokens as written_today
    )
where
    case
        when option = 'none' then read_today + written_today > 0
        else found > read_today or (written > 0 and read_today + written_today = 0)
    end
