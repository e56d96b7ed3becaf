-- Some calls of one cell: the one that saves most, the one that saves least, and some evenly between.
with ranked as (
    select
        accepted.call,
        row_number() over (order by accepted.amount desc, calls.call_id) as place,
        count(*) over () as calls
    from accepted
    inner join calls using (call)
    where accepted.cell = $cell
)

select
    call,
    place
from ranked
where place in (select 1 + range * (calls - 1) // greatest($shown - 1, 1) from range($shown))
