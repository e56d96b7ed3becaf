-- What today's prompt cache is worth: what the same calls would cost without one, less what they do.
select
    current.provider_id,
    current.model_id,
    calls.workflow,
    calls.agent,
    sum(uncached.contracted_cost - current.cost) as worth
from uncached
inner join current using (call)
inner join calls using (call)
where current.model_id is not null
group by all
having count(*) = count(uncached.contracted_cost)
order by all
