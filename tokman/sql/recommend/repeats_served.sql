-- Which calls a cache would have answered within $lifetime microseconds of an answer, and with the
-- answer of which call. A repeat that came before the kept answer had been given pays for itself.
with kept as (
    select
        repeats.*,
        last_value(case when stored.place is not null then repeats.place end ignore nulls) over (
            partition by request
            order by repeats.place
            rows between unbounded preceding and 1 preceding
        ) as from_place,
        stored.place is not null as stores
    from repeats
    left join stored using (place)
)

select
    kept.*,
    first.response_hash as first_hash,
    kept.asked < first.answered as too_early
from kept
inner join repeats as first on first.place = kept.from_place
where
    not kept.stores
    and kept.servable
    and kept.asked < first.answered + $lifetime::bigint
