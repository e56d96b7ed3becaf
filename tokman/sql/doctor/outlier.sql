-- Costs in the logs that are absurd beside those of their model's other calls.
select
    concat_ws(' ', provider, model) || ': a log says ' || case
        when max(ratio) > 1 then round(max(ratio), 1) || ' times'
        else round(100 * min(ratio), 1) || '% of'
    end || ' the list cost' as what,
    count(*) as calls,
    null::bigint as tokens,
    sum(abs(billed_cost - list_cost)) as at_stake
from compared
where outlier
group by provider, model
