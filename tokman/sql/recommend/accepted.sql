-- The proposed usage that is kept: calls that become cheaper, in cells that save at least $least.
-- Where calls stand or fall together ($together: one writes what another reads), a cell's dearer
-- calls are kept with the cheaper ones, or none of them.
with compared as (
    select
        proposed.* exclude (list_cost, contracted_cost, rate_id, price_basis, unpriced_reason),
        proposed.contracted_cost as cost,
        current.cost - proposed.contracted_cost as amount
    from proposed
    inner join current using (call)
),

worthwhile as (
    select cell
    from compared
    where $together or amount > 0
    group by cell
    having sum(amount) >= $least and (not $together or count(amount) = count(*))
)

select *
from compared
semi join worthwhile using (cell)
where $together or amount > 0
