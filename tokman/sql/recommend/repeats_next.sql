-- From each call whose answer is kept to the first one after that answer has died, $lifetime
-- microseconds after it came: only then is a new answer kept, for no hit renews one.
select
    place,
    following
from (
    select
        place,
        whole,
        min(place) filter (whole) over (
            partition by request
            order by asked
            range between (answered - asked + $lifetime::bigint) following and unbounded following
        ) as following
    from repeats
)
where whole and following is not null
