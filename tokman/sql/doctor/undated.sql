-- Calls whose log states no time: the file's date chose their day and their price.
select
    source || ': dated by its file' as what,
    count(*) as calls,
    sum(input_tokens + output_tokens + audio_output_tokens + image_output_tokens)::bigint as tokens,
    sum(list_cost) as at_stake
from scope
where time_basis = 'file'
group by source
