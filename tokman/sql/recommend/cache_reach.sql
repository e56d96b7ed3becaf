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
        calls.tie,
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
        turned.tokens,
        nullif(list_sum(calls.block_sizes), 0) as bytes
    from turned
    inner join caching using (place)
    inner join calls using (call)
    where caching.hashed and blocks > 0
),

-- `prompt` stands for a call and a path: one number sorts and joins several times quicker.
paths as (
    select 'blocks' as path, call, call * 4 as prompt, blocks as length from hashed
    union all
    select 'steady', call, call * 4 + 1, 1
    from hashed
    where steady_hash is not null and system_end > 0
    union all
    select 'tools', call, call * 4 + 2, 1 from hashed where tools_hash is not null and tools_end > 0
),

places as materialized (
    select
        call * 4 as prompt,
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
    select
        prompt,
        conversation,
        1,
        (hash(path, pool, if(path = 'steady', steady_hash, tools_hash)) >> 1)::bigint
    from hashed
    inner join paths using (call)
    where path <> 'blocks'
),

sightings as materialized (
    select
        places.prompt,
        places.place,
        places.prefix,
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
            prompt // 4 as call,
            max(place) as shared_run
        from sightings
        where shared and prompt % 4 = 0
        group by prompt
    ) using (call)
    group by cell
),

marked as (
    select
        paths.path,
        paths.prompt,
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

-- From here on each block stands beside the next of the same prefix, in the order of `ordered`, so
-- that running figures need no sort.
ordered as (
    select
        prompt,
        place,
        prefix,
        moment >> 12 as now,
        begun,
        short,
        long,
        place = static_place as at_static,
        automatic or at_static as static_mark,
        static_mark or place = length as rolling_mark,
        rolling_mark or place in (length - lookback, length - 2 * lookback) as stepped_mark,
        place <= static_place and place > static_place - lookback as near_static,
        near_static or place > length - lookback as near_end,
        near_static or place > length - 3 * lookback as near_steps
    from sightings
    inner join marked using (prompt)
    order by prefix, moment
),

gaps as (
    select
        *,
        if(prefix = lag(prefix) over (), now - lag(now) over (), null) as gap,
        if(prefix = lead(prefix) over (), lead(now) over () - now, null) as next_gap
    from ordered
),

-- Spells are numbered, 2^64 microseconds apart: within one, the greatest `spell - begun` of the marks
-- before is that of the first to be answered, and no mark of an earlier spell comes near it.
spells as (
    select
        *,
        count(*) filter (gap is null or gap > short) over so_far
        * 18446744073709551616::hugeint as short_spell,
        count(*) filter (gap is null or gap > long) over so_far
        * 18446744073709551616::hugeint as long_spell
    from gaps
    window so_far as (rows unbounded preceding)
),

marks as (
    select
        *,
        max(short_spell - begun) filter (static_mark) over so_far as static_short,
        max(short_spell - begun) filter (rolling_mark) over so_far as rolling_short,
        max(short_spell - begun) filter (stepped_mark) over so_far as stepped_short,
        max(long_spell - begun) filter (static_mark) over so_far as static_long,
        max(long_spell - begun) filter (rolling_mark) over so_far as rolling_long,
        max(long_spell - begun) filter (stepped_mark) over so_far as stepped_long
    from spells
    window so_far as (rows unbounded preceding)
),

entries as (
    select
        prompt,
        place,
        at_static,
        near_static,
        near_end,
        near_steps,
        gap,
        next_gap,
        gap <= short as warm_short,
        gap <= long as warm_long,
        lag(static_short) over () >= short_spell - now as static_short,
        lag(rolling_short) over () >= short_spell - now as rolling_short,
        lag(stepped_short) over () >= short_spell - now as stepped_short,
        lag(static_long) over () >= long_spell - now as static_long,
        lag(rolling_long) over () >= long_spell - now as rolling_long,
        lag(stepped_long) over () >= long_spell - now as stepped_long
    from marks
),

runs as (
    select
        prompt,
        max(place) filter (static_short and near_static) as static_short,
        max(place) filter (static_long and near_static) as static_long,
        max(place) filter (rolling_short and near_end) as rolling_short,
        max(place) filter (rolling_long and near_end) as rolling_long,
        max(place) filter (stepped_short and near_steps) as stepped_short,
        max(place) filter (stepped_long and near_steps) as stepped_long,
        max(place) filter (near_static and warm_short) as warm_short,
        max(place) filter (near_static and warm_long) as warm_long,
        any_value(gap) filter (at_static) as gap,
        any_value(next_gap) filter (at_static) as next_gap
    from entries
    group by prompt
)

select
    path,
    call,
    tie,
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
left join runs using (prompt)
