-- Calls without a price, by model and reason; what their own log says they cost, if it says so.
select
    concat_ws(' ', provider, coalesce(model, '(no model)')) || ': ' || unpriced_reason as what,
    count(*) as calls,
    sum(input_tokens + output_tokens + audio_output_tokens + image_output_tokens)::bigint as tokens,
    case when count(billed_cost) = count(*) then nullif(sum(billed_cost), 0) end as at_stake
from scope
where unpriced
group by provider, model, unpriced_reason
