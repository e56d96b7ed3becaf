-- Calls whose counts change: those told by their texts at last, and estimates where the ledger's own
-- calls of the model suggest others:
-- the median of reported tokens a byte, over $least calls or more with texts and counts. A margin is
-- how far from the median nine in ten of these calls lie at most. Medians and margins are order
-- statistics, so neither the order of rows nor that of ingests matters.
with calls as (
    select
        *,
        uncached_input_tokens + cache_read_input_tokens + cache_write_5m_input_tokens
        + cache_write_1h_input_tokens as input_tokens
    from usage
    where output_bytes > 0
),

estimated as (
    select *
    from calls
    where count_basis in ('bytes', 'ratio', 'tiktoken') and input_bytes > 0
),

told as (
    select
        provider,
        family,
        input_tokens / input_bytes as input_ratio,
        output_tokens / output_bytes as output_ratio
    from calls
    where
        count_basis = 'reported'
        and output_basis = 'final'
        and status = 'ok'
        and not response_cache_hit
        and input_tokens > 0
        and output_tokens > 0
        and audio_input_tokens + cache_read_audio_input_tokens + image_input_tokens = 0
        and audio_output_tokens + image_output_tokens = 0
        and not list_contains(block_sizes, $media)
        and (provider, family) in (select (provider, family) from estimated)
),

spread as (
    select
        provider,
        family,
        count(*) as learned_from,
        quantile_cont(input_ratio, [0.05, 0.5, 0.95]) as i,
        quantile_cont(output_ratio, [0.05, 0.5, 0.95]) as o
    from told
    group by all
    having count(*) >= $least
),

learned as (
    select
        provider,
        family,
        learned_from,
        i[2] as input_ratio,
        o[2] as output_ratio,
        greatest(i[3] / i[2] - 1, 1 - i[1] / i[2]) as input_margin,
        greatest(o[3] / o[2] - 1, 1 - o[1] / o[2]) as output_margin
    from spread
),

scaled as (
    select
        estimated.*,
        learned_from,
        input_ratio,
        output_ratio,
        input_margin,
        output_margin,
        greatest(1, round(input_bytes * input_ratio))::bigint as asked,
        greatest(1, round(output_bytes * output_ratio))::bigint as written
    from estimated
    inner join learned using (provider, family)
),

learnt as (
    select
        * replace (
            asked as uncached_input_tokens,
            written as output_tokens,
            'ratio' as count_basis,
            (asked * input_margin + written * output_margin) / (asked + written) as count_margin
        )
    from scaled
    where
        (uncached_input_tokens, output_tokens, count_basis)
        is distinct from (asked, written, 'ratio')
)

from learnt
union all by name
from usage
where told_by_text and call_id not in (select call_id from scaled)
