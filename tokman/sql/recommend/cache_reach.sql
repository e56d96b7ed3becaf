-- How far into each prompt a cache would have reached, at the times the calls really came.
-- A block's hash covers everything before it too. So where a block was seen before, all before it
-- were seen then as well, and the run of live blocks ends at the last one that is alive: the same
-- hash within the lifetime before (every hit renews it). A block that several conversations share
-- belongs to the static prefix. Bytes of blocks are scaled to the tokens that the call reports.
with hashed as (
    select
        calls.call,
        caching.cell,
        caching.short,
        caching.long,
        calls.conversation,
        calls.block_hashes,
        calls.block_sizes,
        hash(caching.cell, calls.key) as pool,
        -- Microseconds, and twelve bits that order calls of the same instant.
        epoch_us(calls.seen_at) * 4096 + (calls.tie % 4096)::bigint as moment,
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as tokens
    from current
    inner join calls using (call)
    inner join caching
        on caching.provider_id = current.provider_id
        and caching.model_id = current.model_id
        and caching.workflow is not distinct from calls.workflow
    where
        caching.hashed
        and calls.ok
        and not calls.agent
        and calls.seen_at is not null
        and len(calls.block_hashes) > 0
),

blocks as materialized (
    select
        call,
        conversation,
        moment,
        place,
        xor(prefix, (pool >> 1)::bigint) as prefix
    from (
        select
            call,
            conversation,
            moment,
            pool,
            unnest(block_hashes) as prefix,
            generate_subscripts(block_hashes, 1) as place
        from hashed
    )
),

repeated as (
    select
        prefix,
        min(conversation) <> max(conversation) as shared
    from blocks
    group by prefix
    having count(*) > 1
),

sightings as (
    select
        call,
        place,
        shared,
        (moment >> 12) - (lag(moment) over (partition by prefix order by moment, place) >> 12) as gap
    from blocks
    inner join repeated using (prefix)
),

runs as (
    select
        call,
        max(place) filter (shared) as static_run,
        max(place) filter (gap <= short) as short_run,
        max(place) filter (gap <= long) as long_run
    from sightings
    inner join (select call, short, long from hashed) using (call)
    group by call
)

select
    call,
    cell,
    tokens,
    len(block_hashes) as blocks,
    coalesce(short_run, 0) as short_run,
    coalesce(long_run, 0) as long_run,
    coalesce(list_sum(block_sizes[1:static_run]) * tokens // bytes, 0)::bigint as static_tokens,
    coalesce(list_sum(block_sizes[1:short_run]) * tokens // bytes, 0)::bigint as short_tokens,
    coalesce(list_sum(block_sizes[1:long_run]) * tokens // bytes, 0)::bigint as long_tokens
from hashed
left join runs using (call),
    lateral (select nullif(list_sum(block_sizes), 0) as bytes)
