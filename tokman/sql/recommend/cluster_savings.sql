-- What each cell saves by cluster of calls.
select
    savings.lever,
    savings.cell,
    calls.cluster,
    sum(savings.amount) as saved
from savings
inner join calls using (call)
group by all
