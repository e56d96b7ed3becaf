-- Our own calls by half hour of their start and of their end, model and rate.
select
    provider,
    model,
    project,
    api_key_alias as "key",
    rate_id,
    time_bucket(interval 30 minutes, started_at) as started,
    time_bucket(
        interval 30 minutes, started_at + to_milliseconds(coalesce(duration_ms, 0))
    ) as ended,
    count(*) as calls,
    count(*) filter (unpriced) as unpriced,
    sum(list_cost) as listed,
    sum(contracted_cost) as cost,
    $sums
from charges
where
    not response_cache_hit
    and started_at >= $earliest
    and started_at < $latest
group by all
