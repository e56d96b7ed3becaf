-- Each cell's saving, USD, when its clusters are drawn again: one amount a row of `draws`, in order.
with slots as (select distinct stratum, slot from clusters),

sums as (
    select
        lever,
        cell,
        stratum,
        slot,
        sum(saved)::double as saved
    from cluster_savings
    inner join clusters using (cluster)
    group by all
),

cells as (
    select
        lever,
        cell,
        list(coalesce(saved, 0) order by stratum, slot) as amounts
    from (select distinct lever, cell from sums)
    cross join slots
    left join sums using (lever, cell, stratum, slot)
    group by lever, cell
)

select
    lever,
    cell,
    list(list_dot_product(amounts, weights) order by draw) as drawn
from cells
cross join draws
group by lever, cell
order by lever, cell
