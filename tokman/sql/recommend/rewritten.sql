-- The calls of each cell as each way of `ways` would have billed them: another model, another
-- effort, or both; $sample calls a cell, or all of them where it is 0.
-- The new model starts with a cold cache: what is read within the first minutes is not yet written.
-- A prompt below its smallest cacheable prefix is neither read from a cache nor written, and at
-- another provider nothing is: its rules and its marks differ.
-- What a cheaper model has failed at stays; so does the share that will come back to today's model
-- (`kept` in a thousand), whose failed first attempt is in the ratios of the others.
with moved as (
    select
        calls.call,
        ways.* exclude (provider_id, model_id, workflow, step, effort, calls),
        (calls.uncached_input_tokens * input + 999) // 1000 as uncached,
        (calls.cache_read_input_tokens * input + 999) // 1000 as cached,
        (calls.cache_write_5m_input_tokens * input + 999) // 1000 as written_5m,
        (calls.cache_write_1h_input_tokens * input + 999) // 1000 as written_1h,
        uncached + cached + written_5m + written_1h as all_input,
        not elsewhere and all_input >= minimum as cacheable,
        cacheable and coalesce(calls.seen_at >= warm_at, true) as warm,
        (
            (calls.output_tokens - calls.reasoning_output_tokens) * answer + 999
        ) // 1000 as answered,
        (calls.reasoning_output_tokens * reasoning + 999) // 1000 as reasoned
    from calls
    left join work_steps
        on work_steps.workflow is not distinct from calls.workflow
        and work_steps.prompt_hash = calls.prompt_hash
    inner join ways
        on ways.provider_id = calls.provider_id
        and ways.model_id = calls.model_id
        and ways.workflow is not distinct from calls.workflow
        and ways.step = coalesce(work_steps.step, 0)
        and (ways.effort is null or ways.effort = coalesce(calls.reasoning_effort, ''))
    anti join escalations using (call)
    where
        calls.ok
        and calls.cost > 0
        and hash(calls.tie) % 1000 >= ways.kept
        and ($sample = 0 or calls.tie % (ways.calls // $sample + 1)::ubigint = 0)
)

select
    current.* exclude (cost) replace (
        if(elsewhere, to_provider, provider_name) as provider_name,
        to_provider as provider_id,
        if(changed, to_model, request_model) as request_model,
        if(changed, to_model, response_model) as response_model,
        to_model as model_id,
        if(elsewhere, null, service_tier) as service_tier,
        if(elsewhere, null, speed) as speed,
        if(elsewhere, null, inference_geo) as inference_geo,
        case when not cacheable then all_input when warm then uncached else uncached + cached end
            as uncached_input_tokens,
        if(warm, cached, 0) as cache_read_input_tokens,
        if(cacheable, written_5m, 0) as cache_write_5m_input_tokens,
        if(cacheable, written_1h, 0) as cache_write_1h_input_tokens,
        answered + reasoned as output_tokens,
        reasoned as reasoning_output_tokens
    ),
    moved.* exclude (
        call, to_provider, to_model, input, answer, reasoning, minimum, kept, warm_at, elsewhere,
        uncached, cached, written_5m, written_1h, all_input, cacheable, warm, answered, reasoned
    )
from moved
inner join current using (call),
    lateral (select to_model <> current.model_id as changed)
