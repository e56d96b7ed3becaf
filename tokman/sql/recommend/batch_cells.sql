-- The models of each workflow whose calls could be served another way: how many calls have priority,
-- and how many come at hours of a higher price.
select
    calls.workflow,
    calls.provider_id,
    calls.model_id,
    count(*) as calls,
    sum(calls.cost) as cost,
    count(*) filter (lower(calls.service_tier) like '%priority%') as priority_calls,
    count(peaks.peak_from) as peaks
from calls
left join peaks
    on peaks.provider_id = calls.provider_id
    and peaks.model_id = calls.model_id
    and calls.seen_at >= peaks.valid_from
    and calls.seen_at < peaks.valid_to
    and epoch_us(calls.seen_at) % 86400000000 >= peaks.peak_from
    and epoch_us(calls.seen_at) % 86400000000 < peaks.peak_to
where
    calls.ok
    and calls.cost > 0
    and calls.model_id is not null
    and lower(coalesce(calls.service_tier, 'standard')) not in ('batch', 'batches', 'flex')
group by all
order by cost desc, workflow, provider_id, model_id
