-- How many tokens of each prompt a cache would have held, at the times the calls really came.
--
-- A block's hash covers everything before it too: where it was seen before, so was all before it.
-- A cache has an entry for a block that some call marked, from the moment when the provider began to
-- answer that call; it lives while no more than a lifetime passes between two calls whose prompts
-- begin with it, for every use renews it. So the calls of one hash fall into spells without a longer
-- pause, and an entry is alive where an earlier call of the same spell marked it and has begun to be
-- answered. A call reads the last live entry that it looks at: its marks, and some blocks before each.
--
-- path    blocks: the prompt as it was; steady: tools and system prompt, as if the dates and ids in
--         them stood behind; tools: the tools, as if their order never changed
-- static  one mark, after as many blocks behind the system prompt as half of the calls share with
--         another conversation (automatic caches mark every block)
-- rolling a second mark at the end; stepped: two more, a look-back apart
-- warm    as static, if what comes before the first answer begins had waited for it
-- Bytes of blocks are scaled to the tokens that the call reports.
with hashed as (
    select
        calls.call,
        caching.cell,
        caching.kind = 'automatic' as automatic,
        caching.short,
        caching.long,
        if(caching.lookback = 0, 1 << 30, caching.lookback) as lookback,
        calls.conversation,
        calls.block_hashes,
        calls.block_sizes,
        len(calls.block_hashes) as blocks,
        least(coalesce(calls.tool_blocks, 0), blocks) as tools_end,
        least(tools_end + coalesce(calls.system_blocks, 0), blocks) as system_end,
        calls.tools_hash,
        calls.steady_hash,
        hash(caching.cell, calls.key) as pool,
        -- Another effort keeps the cache of tools and system prompt only.
        hash(caching.cell, calls.key, calls.reasoning_effort) as message_pool,
        -- Microseconds, and twelve bits that order calls of the same instant.
        epoch_us(calls.seen_at) * 4096 + (calls.tie % 4096)::bigint as moment,
        epoch_us(calls.seen_at) + calls.first_token_us as begun,
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as tokens,
        nullif(list_sum(calls.block_sizes), 0) as bytes
    from current
    inner join calls using (call)
    inner join caching
        on caching.provider_id = current.provider_id
        and caching.model_id = current.model_id
        and caching.workflow is not distinct from calls.workflow
        and caching.agent = calls.agent
    where
        caching.hashed
        and calls.ok
        and not calls.embeds
        and current.cost > 0
        and calls.seen_at is not null
        and blocks > 0
),

paths as (
    select 'blocks' as path, call, blocks as length from hashed
    union all
    select 'steady', call, 1 from hashed where steady_hash is not null and system_end > 0
    union all
    select 'tools', call, 1 from hashed where tools_hash is not null and tools_end > 0
),

places as materialized (
    select
        'blocks' as path,
        call,
        conversation,
        place,
        xor(prefix, (if(place > system_end, message_pool, pool) >> 1)::bigint) as prefix
    from (
        select
            call,
            conversation,
            pool,
            message_pool,
            system_end,
            unnest(block_hashes) as prefix,
            generate_subscripts(block_hashes, 1) as place
        from hashed
    )
    union all
    select path, call, conversation, 1, (hash(path, pool, steady_hash) >> 1)::bigint
    from hashed
    inner join paths using (call)
    where path = 'steady'
    union all
    select path, call, conversation, 1, (hash(path, pool, tools_hash) >> 1)::bigint
    from hashed
    inner join paths using (call)
    where path = 'tools'
),

sightings as materialized (
    select
        places.*,
        shared
    from places
    inner join (
        select
            prefix,
            min(conversation) <> max(conversation) as shared
        from places
        group by prefix
        having count(*) > 1
    ) using (prefix)
),

depths as (
    select
        cell,
        quantile_disc(shared_run - system_end, 0.5) as depth
    from hashed
    inner join (
        select
            call,
            max(place) as shared_run
        from sightings
        where path = 'blocks' and shared
        group by call
    ) using (call)
    group by cell
),

marked as (
    select
        paths.path,
        hashed.*,
        length,
        case
            when path <> 'blocks' then 1
            when automatic then length
            else greatest(least(system_end + coalesce(depth, 0), length), 0)
        end as static_place,
        case
            when path = 'steady' then system_end
            when path = 'tools' then tools_end
            else static_place
        end as static_end
    from hashed
    inner join paths using (call)
    left join depths using (cell)
),

gaps as (
    select
        sightings.path,
        sightings.call,
        place,
        prefix,
        moment,
        moment >> 12 as now,
        begun,
        short,
        long,
        lookback,
        length,
        static_place,
        automatic or place = static_place as static_mark,
        static_mark or place = length as rolling_mark,
        rolling_mark or place in (length - lookback, length - 2 * lookback) as stepped_mark,
        now - lag(moment >> 12) over seen as gap,
        lead(moment >> 12) over seen - now as next_gap
    from sightings
    inner join marked on marked.call = sightings.call and marked.path = sightings.path
    window seen as (partition by prefix order by moment)
),

spells as (
    select
        *,
        count(*) filter (gap > short) over seen as short_spell,
        count(*) filter (gap > long) over seen as long_spell
    from gaps
    window seen as (partition by prefix order by moment)
),

entries as (
    select
        *,
        coalesce(min(begun) filter (static_mark) over short_before <= now, false) as static_short,
        coalesce(min(begun) filter (rolling_mark) over short_before <= now, false) as rolling_short,
        coalesce(min(begun) filter (stepped_mark) over short_before <= now, false) as stepped_short,
        coalesce(min(begun) filter (static_mark) over long_before <= now, false) as static_long,
        coalesce(min(begun) filter (rolling_mark) over long_before <= now, false) as rolling_long,
        coalesce(min(begun) filter (stepped_mark) over long_before <= now, false) as stepped_long,
        place <= static_place and place > static_place - lookback as near_static,
        near_static or place > length - lookback as near_end,
        near_static or place > length - 3 * lookback as near_steps
    from spells
    window
        short_before as (
            partition by prefix, short_spell order by moment
            rows between unbounded preceding and 1 preceding
        ),
        long_before as (
            partition by prefix, long_spell order by moment
            rows between unbounded preceding and 1 preceding
        )
),

runs as (
    select
        path,
        call,
        max(place) filter (static_short and near_static) as static_short,
        max(place) filter (static_long and near_static) as static_long,
        max(place) filter (rolling_short and near_end) as rolling_short,
        max(place) filter (rolling_long and near_end) as rolling_long,
        max(place) filter (stepped_short and near_steps) as stepped_short,
        max(place) filter (stepped_long and near_steps) as stepped_long,
        max(place) filter (near_static and gap <= short) as warm_short,
        max(place) filter (near_static and gap <= long) as warm_long,
        any_value(gap) filter (place = static_place) as gap,
        any_value(next_gap) filter (place = static_place) as next_gap
    from entries
    group by path, call
)

select
    path,
    call,
    cell,
    tokens,
    tokens as marked_tokens,
    gap,
    next_gap,
    null::boolean as again,
    null::boolean as held_on,
    coalesce(list_sum(block_sizes[1:static_end]) * tokens // bytes, 0)::bigint as static_tokens,
    coalesce(
        list_sum(
            block_sizes[
                1:case
                    when path = 'blocks' then coalesce(columns('.+_(short|long)'), 0)
                    when columns('.+_(short|long)') is null then 0
                    else static_end
                end
            ]
        ) * tokens // bytes, 0
    )::bigint
from marked
left join runs using (path, call)
