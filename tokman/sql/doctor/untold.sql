-- Usage statements that do not state how much of their input was read from a cache, in the period of
-- the calls at hand; what that is worth nobody can say.
with period as (
    select min(started_at) as first, max(started_at) as last
    from scope
)

select
    source || ': the cached part of the input is not stated' as what,
    null::bigint as calls,
    sum(uncached_input_tokens)::bigint as tokens,
    null::decimal(18, 12) as at_stake
from statements, period
where
    kind = 'usage'
    and part <> 'claude_code'
    and token_class is null
    and uncached_input_tokens > 0
    and output_tokens is not null
    and cache_read_input_tokens is null
    and period_end > first
    and period_start <= last
group by source
