-- What the chosen lines state, by period, model and how it was served.
select
    provider_name as provider,
    kind,
    currency,
    charge_category,
    period_start,
    period_end,
    model,
    project,
    api_key_id as "key",
    service_tier,
    speed,
    inference_geo,
    context_window,
    token_class,
    case when model is null then coalesce(line_item, service_name, part) end as line_item,
    model is null and line_item is null and service_name is null as whole,
    count(*) as lines,
    sum(coalesce(billed_amount, effective_amount, contracted_amount, list_amount)) as billed,
    sum(list_amount) as listed,
    max(
        len(rtrim(split_part(cast(billed_amount as varchar), '.', 2), '0'))
    )::bigint as places,
    sum(requests)::bigint as requests,
    $sums
from statement_lines
group by all
