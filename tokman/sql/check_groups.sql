-- What each workflow consumed, summed where every call has the same price per token: one provider,
-- model, tier and place, one band of prompt length, one window of the day.
select
    workflow,
    provider_name,
    request_model,
    response_model,
    service_tier,
    speed,
    inference_geo,
    rate_id,
    response_cache_hit,
    min(epoch_us(started_at) % 86400000000)::bigint as time_of_day,
    count(*) as calls,
    sum(columns('.*_(tokens|requests)'))::bigint
from work
group by all
order by all
