-- Groups back into calls: each group's tokens spread evenly over its calls, to the last token, so
-- that a card prices them as it prices calls. Dated `$day`, at the group's time of day.
select
    workflow,
    provider_name,
    request_model,
    response_model,
    service_tier,
    speed,
    inference_geo,
    response_cache_hit,
    $day + to_microseconds(time_of_day) as started_at,
    'ok' as status,
    columns('.*_(tokens|requests)') // calls
    + (turn < columns('.*_(tokens|requests)') % calls)::bigint
from groups, lateral (select unnest(range(calls)) as turn)
