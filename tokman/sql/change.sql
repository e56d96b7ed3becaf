-- Priced calls in scope by the columns named in $by and by what decides their price: the groups
-- whose token classes are the lines of a comparison. `band` and `part_of_day` count the edges of
-- table `rate_edges` below the prompt's length and the time of day (UTC).
select
    columns(lambda name: list_contains($by, name)),
    rate_id,
    coalesce(len(list_filter(lengths, lambda edge: input_tokens > edge)), 0) as band,
    coalesce(
        len(list_filter(hours, lambda edge: epoch_us(started_at) % 86400000000 >= edge)), 0
    ) as part_of_day,
    price_basis not in ('response cache', 'nothing used') as paid,
    count(*) as calls,
    sum(list_cost) as list_cost,
    sum(contracted_cost) as contracted_cost,
    sum(reasoning_output_tokens) as reasoning_output_tokens,
    sum(columns(lambda name: list_contains($quantities, name)))
from scope
left join rate_edges using (rate_id)
where list_cost is not null
group by all
order by all
