-- Calls whose log states no token counts, and the cost that rests on the estimate.
select
    source || ': counts estimated from the texts' as what,
    count(*) as calls,
    sum(input_tokens + output_tokens + audio_output_tokens + image_output_tokens)::bigint as tokens,
    sum(list_cost) as at_stake
from scope
where output_basis = 'estimated'
group by source
