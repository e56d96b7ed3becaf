-- Cells judged by their counts: how often a cached prompt held until the next turn, and how much had
-- to be written again after a pause.
select
    cell,
    count(held_on) as turns,
    count(*) filter (held_on) as held,
    count(*) filter (again) as again,
    coalesce(sum(rolling_long - read_today) filter (again), 0) as again_tokens
from reach
where path = 'counts'
group by cell
order by cell
