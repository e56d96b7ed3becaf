-- Each call of `scope` with the cluster it is judged in: one run of a case of a suite, else the
-- outcome that its conversation worked on, else its conversation, else itself. Calls of one cluster
-- depend on each other; clusters do not. The time of day is moved to the date $day.
with counted as (
    select
        scope.call_id,
        min(outcome_calls.outcome_id) as outcome_id
    from scope
    inner join outcome_calls using (call_id)
    left join worth on worth.workflow is not distinct from scope.workflow
    where outcome_calls.outcome = coalesce(worth.outcome, outcome_calls.outcome)
    group by scope.call_id
),

tagged as (
    select
        scope.* exclude (service_tier, started_at, case_id),
        nullif(service_tier, 'standard') as service_tier,
        coalesce(epoch_us(started_at) % 86400000000, 0)::bigint as time_of_day,
        outcome_id,
        coalesce(
            nullif(case_id, ''),
            nullif(list_filter(tags, lambda tag: starts_with(tag, 'case:'))[1][6:], '')
        ) as case_id,
        coalesce(run_id, list_filter(tags, lambda tag: starts_with(tag, 'run:'))[1]) as run,
        coalesce(conversation_id, call_id) as conversation
    from scope
    left join counted using (call_id)
)

select
    call_id,
    workflow,
    provider_name,
    request_model,
    response_model,
    service_tier,
    speed,
    inference_geo,
    rate_id,
    response_cache_hit,
    output_basis,
    status,
    success,
    conversation,
    case_id,
    time_of_day,
    make_timestamp(epoch_us($day::timestamp) + time_of_day) as started_at,
    input_tokens,
    columns(lambda name: name in (
        'uncached_input_tokens', 'cache_read_input_tokens', 'cache_write_5m_input_tokens',
        'cache_write_1h_input_tokens', 'audio_input_tokens', 'cache_read_audio_input_tokens',
        'image_input_tokens', 'output_tokens', 'reasoning_output_tokens', 'audio_output_tokens',
        'image_output_tokens', 'web_search_requests', 'file_search_requests'
    )),
    case
        when case_id is not null
            then concat('case ', length(case_id), ' ', case_id, coalesce(run, conversation_id, ''))
        else coalesce(
            'outcome ' || min(outcome_id) over (partition by workflow, conversation),
            'conversation ' || conversation
        )
    end as cluster
from tagged
