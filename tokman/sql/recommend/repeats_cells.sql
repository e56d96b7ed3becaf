-- What answers kept for the lifetime of the table `served` would have saved in each workflow, and
-- whether the answers to the same request were the same.
with changing as (
    select
        request,
        bool_or(response_hash <> first_hash) as varies
    from served
    group by request
)

select
    workflow,
    provider_id,
    model_id,
    bool_and(embeds) as embeds,
    count(*) filter (not too_early) as hits,
    count(*) filter (too_early) as too_early,
    count(distinct request) filter (not too_early) as requests,
    count(*) filter (response_hash is not null and first_hash is not null) as compared,
    count(*) filter (response_hash = first_hash) as alike,
    count(*) filter (temperature = 0) as cold,
    coalesce(sum(cost) filter (not too_early), 0) as saved,
    coalesce(sum(cost) filter (not too_early and varies is not true), 0) as saved_of_steady,
    count(distinct request) filter (varies) as varying
from served
inner join changing using (request)
group by all
order by saved desc, workflow, provider_id, model_id
