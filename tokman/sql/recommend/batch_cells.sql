-- The models of each workflow whose calls could move to a batch.
select
    calls.workflow,
    current.provider_id,
    current.model_id,
    count(*) as calls,
    sum(current.cost) as cost
from current
inner join calls using (call)
where
    calls.ok
    and current.model_id is not null
    and lower(coalesce(current.service_tier, 'standard')) not in ('batch', 'batches', 'flex')
group by all
order by cost desc, workflow, provider_id, model_id
