-- Workflows and models of the calls in scope, with how many have a price and how many have none.
select
    workflow,
    model,
    count(*) filter (not unpriced) as priced,
    count(*) filter (unpriced) as unpriced
from scope
group by workflow, model
order by workflow, model
