-- What each way saves of the calls that it makes cheaper, and what all its calls cost today.
-- A way that leaves a call without a price is left out.
select
    option,
    sum(current.cost) as now,
    sum(greatest(current.cost - contracted_cost, 0)) as saved
from priced_options
inner join current using (call)
group by option
having count(contracted_cost) = count(*) and now > 0
