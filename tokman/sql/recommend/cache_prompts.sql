-- The prompts of some cells whose blocks are hashed, in the order in which they came.
-- `pool` stands for what has a cache of its own; another effort keeps that of tools and system prompt
-- only. `steady_prefix` and `tools_prefix` stand for these parts, whatever their order or their dates.
select
    calls.call,
    calls.tie,
    caching.cell,
    caching.kind = 'automatic' as automatic,
    caching.short,
    caching.long,
    if(caching.lookback = 0, 1 << 30, caching.lookback)::bigint as lookback,
    calls.conversation,
    calls.block_hashes as hashes,
    len(hashes) as blocks,
    list_resize(coalesce(calls.block_sizes, []), blocks, 0) as sizes,
    least(coalesce(calls.tool_blocks, 0), blocks)::bigint as tools_end,
    least(tools_end + coalesce(calls.system_blocks, 0), blocks)::bigint as system_end,
    hash(caching.cell, calls.key) as apart,
    (apart >> 1)::bigint as pool,
    (hash(caching.cell, calls.key, calls.reasoning_effort) >> 1)::bigint as message_pool,
    case
        when calls.tools_hash is not null and tools_end > 0
            then (hash('tools', apart, calls.tools_hash) >> 1)::bigint
    end as tools_prefix,
    case
        when calls.steady_hash is not null and system_end > 0
            then (hash('steady', apart, calls.steady_hash) >> 1)::bigint
    end as steady_prefix,
    epoch_us(calls.seen_at) as now,
    now + calls.first_token_us as begun,
    turned.tokens,
    turned.read as read_today,
    turned.written as written_today,
    coalesce(try_cast(list_sum(sizes) as bigint), 0) as bytes
from turned
inner join caching using (place)
inner join calls using (call)
where caching.hashed and blocks > 0 and list_contains($cells::integer[], caching.cell)
-- Twelve bits of the tie order calls of the same instant.
order by now, calls.tie % 4096
