-- Spend by the columns named in $by. A group's list_cost is that of its priced calls; what it read
-- from a cache is unknown where one of its lines does not state it.
select
    columns(lambda name: list_contains($by, name)),
    sum(calls)::bigint as calls,
    count(*) filter (status = 'error') as failed_calls,
    sum(input_tokens)::bigint as input_tokens,
    case
        when count(cache_read_input_tokens) = count(*)
            then sum(cache_read_input_tokens + cache_read_audio_input_tokens)::bigint
    end as cache_read_input_tokens,
    sum(output_tokens + audio_output_tokens + image_output_tokens)::bigint as output_tokens,
    sum(list_cost) as list_cost,
    sum(contracted_cost) as contracted_cost,
    sum(billed_cost) as billed_cost,
    count(billed_cost) as billed_calls,
    count(*) filter (unpriced) as unpriced_calls,
    coalesce(
        sum(input_tokens + output_tokens + audio_output_tokens + image_output_tokens)
        filter (unpriced), 0
    )::bigint as unpriced_tokens,
    count(*) filter (output_basis = 'partial') as partial_calls,
    count(*) filter (output_basis = 'estimated') as estimated_calls,
    count(*) filter (time_basis = 'file') as undated_calls,
    min(started_at) as first_call,
    max(started_at) as last_call
from scope
group by all
order by all
