-- What the calls of `bought` consumed and cost at the prices of one day, by workflow, model and what
-- decides the price: the groups whose token classes are the lines of a comparison. `times` says how
-- many calls a row is; `band` and `part_of_day` count the edges of table `rate_edges` below the
-- prompt's length and the time of day (UTC).
select
    workflow,
    coalesce(response_model, request_model) as model,
    rate_id,
    coalesce(len(list_filter(lengths, lambda edge: input_tokens > edge)), 0) as band,
    coalesce(
        len(list_filter(hours, lambda edge: epoch_us(started_at) % 86400000000 >= edge)), 0
    ) as part_of_day,
    price_basis not in ('response cache', 'nothing used') as paid,
    sum(times)::bigint as calls,
    sum(list_cost * times) as list_cost,
    sum(contracted_cost * times) as contracted_cost,
    sum(columns(lambda name: list_contains($quantities, name)) * times)::bigint
from bought
left join rate_edges using (rate_id)
where list_cost is not null
group by all
order by all
