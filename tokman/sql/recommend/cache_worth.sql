-- What today's prompt cache is worth: what the same calls would cost without one, less what they do.
select
    calls.provider_id,
    calls.model_id,
    calls.workflow,
    calls.agent,
    sum(uncached.contracted_cost - calls.cost) as worth
from uncached
inner join calls using (call)
where calls.model_id is not null
group by all
having count(*) = count(uncached.contracted_cost)
order by all
