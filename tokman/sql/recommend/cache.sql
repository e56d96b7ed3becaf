-- The usage of each call as a way of caching its cell would have billed it.
--   none       nothing is cached        automatic  what the provider finds again, in whole steps
--   static     a mark on what conversations share; warm: and no call before the first is answered;
--              ping: and that prefix is read again shortly before it dies, some times in a row, by
--              calls of one token that are billed here to the call before them
--   rolling    a second mark at the end of each prompt; stepped: two more before it
--   kept       no pause has cost what was cached: an amount to know, not a thing to do
-- An automatic cache writes for nothing, so there a call keeps what it reads if that is more.
with reached as (
    select
        reach.call,
        reach.cell,
        reach.read_today,
        reach.written_today,
        choice.option,
        choice.kind,
        choice.writes,
        tokens,
        caching.short * 9 // 10 as rest,
        if(choice.path = 'counts', 0, caching.minimum) as least_tokens,
        case
            when choice.kind = 'none' then 0
            when choice.kind in ('rolling', 'kept')
                then if(choice.lifetime = 'long', rolling_long, rolling_short)
            when choice.kind = 'stepped'
                then if(choice.lifetime = 'long', stepped_long, stepped_short)
            when choice.kind = 'warm' then if(choice.lifetime = 'long', warm_long, warm_short)
            when
                choice.kind = 'ping'
                and gap > caching.short
                and gap <= choice.pings * rest + caching.short
                then static_tokens
            else if(choice.lifetime = 'long', static_long, static_short)
        end // caching.step * caching.step as possible,
        if(possible >= least_tokens, possible * caching.hits // 100, 0) as found,
        case
            when choice.kind in ('none', 'automatic') then 0
            when choice.kind in ('rolling', 'stepped', 'kept') then marked_tokens
            else static_tokens
        end as marked,
        if(marked >= least_tokens, greatest(marked - found, 0), 0) as written,
        if(
            choice.kind = 'ping' and static_tokens >= least_tokens,
            least(choice.pings, coalesce(next_gap // rest, choice.pings)),
            0
        ) as pings
    from reach
    inner join caching
        on caching.cell = reach.cell
        and ($sample = 0 or reach.tie % (caching.calls // $sample + 1)::ubigint = 0)
    inner join choice
        on choice.cell = reach.cell
        and choice.path = reach.path
        and (choice.kind <> 'kept' or reach.again)
)

select
    current.* exclude (cost) replace (
        tokens - found - written as uncached_input_tokens,
        found + pings * marked as cache_read_input_tokens,
        if(writes = '5m', written, 0) as cache_write_5m_input_tokens,
        if(writes = '1h', written, 0) as cache_write_1h_input_tokens,
        current.output_tokens + pings as output_tokens
    ),
    cell,
    option
from reached
inner join current using (call)
where
    case kind
        when 'none' then read_today + written_today > 0
        when 'automatic' then found > read_today
        else found + written + read_today + written_today > 0
    end
