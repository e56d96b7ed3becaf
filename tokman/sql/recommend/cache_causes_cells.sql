-- How many calls of each cell a cause concerns, and the tokens they did not read.
select
    cell,
    cause,
    count(*) as calls,
    sum(missed) as missed
from causes
group by cell, cause
order by cell, missed desc, cause
