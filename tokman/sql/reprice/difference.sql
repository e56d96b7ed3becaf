-- What the prices in `moved` change, by model and tier. Sums are those of the calls with a price.
select
    provider_name as provider,
    coalesce(response_model, request_model) as model,
    coalesce(service_tier, 'standard') as service_tier,
    count(*) as calls,
    count(*) filter (
        (held_list_cost, held_contracted_cost)
        is distinct from (gets_list_cost, gets_contracted_cost)
    ) as changed_calls,
    sum(held_list_cost) as list_cost,
    sum(gets_list_cost) as new_list_cost,
    sum(held_contracted_cost) as contracted_cost,
    sum(gets_contracted_cost) as new_contracted_cost,
    count(*) filter (held_list_cost is null and gets_list_cost is not null) as newly_priced_calls,
    count(*) filter (held_list_cost is not null and gets_list_cost is null)
        as no_longer_priced_calls,
    list_distinct(list(held_rate_card)) as held_rate_cards
from moved
group by all
