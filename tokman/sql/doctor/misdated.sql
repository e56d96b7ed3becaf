-- Calls at a time that cannot be: in no month that is asked for, at a price of another time.
select
    source || ': dated before 2020 or in the future' as what,
    count(*) as calls,
    sum(input_tokens + output_tokens + audio_output_tokens + image_output_tokens)::bigint as tokens,
    sum(list_cost) as at_stake
from scope
where started_at < timestamp '2020-01-01' or started_at > now()::timestamp + interval 1 day
group by source
