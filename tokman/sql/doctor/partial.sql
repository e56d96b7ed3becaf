-- Calls whose recorded output is a lower bound, and the cost that rests on it.
select
    source || ': its output was recorded before it was complete' as what,
    count(*) as calls,
    sum(input_tokens + output_tokens + audio_output_tokens + image_output_tokens)::bigint as tokens,
    sum(list_cost) as at_stake
from scope
where output_basis = 'partial'
group by source
