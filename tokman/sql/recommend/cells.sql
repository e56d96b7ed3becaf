-- What the accepted usage saves in each cell, and what those calls cost before any lever.
select
    cell,
    count(*) as calls,
    approx_count_distinct(calls.conversation) as conversations,
    sum(coalesce(original.cost, calls.cost)) as spend,
    sum(accepted.amount) as saved
from accepted
inner join calls using (call)
left join original using (call)
group by cell
order by cell
