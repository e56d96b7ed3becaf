-- What each workflow consumed, summed where every call has the same price per token: one provider,
-- model, tier and place, one band of prompt length (edges $lengths), one window of the day (edges
-- $hours, for the models of $hourly, named as a rate_id begins). First whole workflows (cluster is
-- null), then the clusters in `kept`.
with placed as (
    select
        * replace (
            -- A call that answered and states no token at all has no price.
            case
                when status = 'ok' and output_basis = 'partial'
                    and input_tokens + output_tokens + audio_output_tokens + image_output_tokens
                    + web_search_requests + file_search_requests = 0
                    then 'partial'
                else 'final'
            end as output_basis
        ),
        case
            when input_tokens > $lengths[1]
                then len(list_filter($lengths, lambda edge: input_tokens > edge))
            else 0
        end as band,
        case
            when rate_id is null
                or len(list_filter(
                    $hourly, lambda name: starts_with(replace(rate_id, 'user:', ''), name)
                )) > 0
                then len(list_filter($hours, lambda edge: time_of_day >= edge))
            else 0
        end as part_of_day
    from clustered
)

select
    workflow,
    null as cluster,
    provider_name,
    request_model,
    response_model,
    service_tier,
    speed,
    inference_geo,
    rate_id,
    response_cache_hit,
    output_basis,
    band,
    part_of_day,
    min(time_of_day)::bigint as time_of_day,
    count(*) as calls,
    sum(columns('.*_(tokens|requests)'))::bigint
from placed
group by all
union all by name
select
    workflow,
    cluster,
    provider_name,
    request_model,
    response_model,
    service_tier,
    speed,
    inference_geo,
    rate_id,
    response_cache_hit,
    output_basis,
    band,
    part_of_day,
    min(time_of_day)::bigint as time_of_day,
    count(*) as calls,
    sum(columns('.*_(tokens|requests)'))::bigint
from placed
semi join kept on kept.workflow is not distinct from placed.workflow
    and kept.cluster = placed.cluster
group by all
order by
    cluster is not null,
    workflow,
    cluster,
    provider_name,
    request_model,
    response_model,
    service_tier,
    speed,
    inference_geo,
    rate_id,
    response_cache_hit,
    output_basis,
    band,
    part_of_day
