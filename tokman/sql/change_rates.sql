-- The rates that priced the calls in scope.
select distinct rate_id
from scope
where rate_id is not null
order by rate_id
