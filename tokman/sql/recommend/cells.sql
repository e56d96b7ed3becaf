-- What a lever saves in each of its cells, and what those calls cost before any lever.
select
    cell,
    count(*) as calls,
    sum(original.cost) as spend,
    sum(savings.amount) as saved
from savings
inner join original using (call)
where savings.lever = $lever
group by cell
order by cell
