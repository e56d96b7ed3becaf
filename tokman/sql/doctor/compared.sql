-- Calls with a list price and a cost that their log states, by model. An outlier is ten times off
-- what is usual for its model, or off the list price where five calls do not yet make it usual.
with ratios as (
    select
        provider,
        model,
        list_cost,
        billed_cost,
        (billed_cost / list_cost)::double as ratio,
        case when count(*) over model_calls >= 5 then median(ratio) over model_calls else 1 end
            as usual
    from scope
    where billed_cost is not null and list_cost > 0
    window model_calls as (partition by provider, model)
)

select
    *,
    usual > 0 and (ratio > 10 * usual or ratio * 10 < usual) as outlier
from ratios
