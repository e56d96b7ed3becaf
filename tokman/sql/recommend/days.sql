-- What each cell saves by day: days are drawn again to see how much the saving depends on them.
select
    lever,
    cell,
    day,
    sum(amount) as saved
from savings
inner join calls using (call)
group by all
order by all
