-- Models whose logs state other costs than the list, outliers apart: a discount, or a wrong price.
select
    concat_ws(' ', provider, model) || ': billed at '
    || round(100 * (sum(billed_cost) / sum(list_cost))::double, 1) || '% of list' as what,
    count(*) as calls,
    null::bigint as tokens,
    abs(sum(billed_cost) - sum(list_cost)) as at_stake
from compared
where not outlier
group by provider, model
having abs(sum(billed_cost) - sum(list_cost)) * 100 > sum(list_cost)
