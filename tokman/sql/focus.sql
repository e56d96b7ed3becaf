-- Priced calls in scope by day, seller, model, tier, rate and whom they were for: the groups whose
-- token classes are the rows of a FOCUS export. Calls that cost nothing have no rate.
select
    day,
    provider,
    model,
    service_tier,
    rate_id,
    project,
    workflow,
    team,
    "user",
    environment,
    count(*) as calls,
    sum(list_cost) as list_cost,
    sum(contracted_cost) as contracted_cost,
    sum(reasoning_output_tokens) as reasoning_output_tokens,
    sum(columns(lambda name: list_contains($quantities, name)))
from scope
where rate_id is not null and list_cost is not null
group by all
order by all
