-- What can be seen of each call, and what it consumes, to be priced.
-- `seen_at` is NULL where the log states no time: the time of its file says nothing of arrivals.
-- `cluster`: calls that are not independent of each other: a conversation, else a user's day, else a
-- workflow's. Coding agents are marked: their client, not the user, plans the turns and marks the cache.
-- Ten million rows of this lie in memory: a name that is only compared is here as its hash.
select
    call_id,
    hash(call_id) as tie,
    case when time_basis = 'log' then started_at end as seen_at,
    cast(seen_at as date) as day,
    workflow,
    source in ('claude-code', 'codex') as agent,
    status = 'ok' and not response_cache_hit as ok,
    environment,
    stream,
    "user" is null as humanless,
    coalesce(api_key_alias, api_key_hash) as key,
    conversation_id is not null as conversing,
    hash(coalesce(conversation_id, call_id)) as conversation,
    -- Turns that follow one another: subagents of a conversation apart from it.
    case
        when conversation_id is not null
            then hash(workflow, key, conversation_id, agent_name)
    end as strand,
    hash(key, "user", conversation_id) as asker,
    -- The `tie` of the call that is tried again.
    case when retry_of is not null then hash(retry_of) end as retry_of,
    hash(coalesce(
        conversation_id, concat(coalesce("user", 'workflow ' || workflow, ''), ' ', day)
    )) as cluster,
    retry_of is not null as retry,
    error_type,
    retry_of is null and coalesce(attempt, 1) = 1 as first_attempt,
    finish_reason,
    coalesce(lower(finish_reason) in ('length', 'max_tokens', 'max_output_tokens'), false) as cut,
    structured_output,
    coalesce(len(tool_call_hashes), 0) > 0 as called_tools,
    len(tool_names)::integer as tools_called,
    tool_names[1] as tool,
    len(tool_result_hashes)::integer as tool_results,
    len(tools_offered)::integer as tools_on_offer,
    case when not agent then coalesce(
        steady_hash,
        case when system_blocks > 0 then block_hashes[coalesce(tool_blocks, 0) + system_blocks] end
    ) end as prompt_hash,
    list_sum(block_sizes)::bigint as prompt_bytes,
    request_hash,
    -- A request with all that makes its answer but the model, and for whom.
    case
        when request_hash is not null
            then hash(
                request_hash, workflow, operation_name, temperature, reasoning_effort, team, project,
                key, "user"
            )
    end as inquiry,
    response_hash,
    temperature,
    reasoning_effort,
    choices,
    duration_ms,
    -- Without any time in the log, an answer is taken to begin after a second.
    greatest(coalesce(time_to_first_token_ms, duration_ms, 1000), 0) * 1000 as first_token_us,
    agent_name as thread,
    tool_blocks,
    system_blocks,
    tools_hash,
    steady_hash,
    tool_result_bytes,
    lower(operation_name) in ('embeddings', 'embedding') as embeds,
    coalesce(turn = 'tool', false) or coalesce(len(tool_result_hashes), 0) > 0 as tools_answered,
    turn,
    polls,
    case when len(tool_call_hashes) > 0 then hash(list_sort(tool_call_hashes)) end as action,
    case when len(tool_result_hashes) > 0 then hash(list_sort(tool_result_hashes)) end as observed,
    tool_errors,
    max_output_tokens,
    success,
    case when not agent then block_hashes end as block_hashes,
    case when not agent then block_sizes end as block_sizes,
    started_at,
    response_cache_hit,
    status,
    output_basis,
    window_charges.provider_name,
    window_charges.request_model,
    window_charges.response_model,
    named.provider_id,
    named.model_id,
    nullif(service_tier, 'standard') as service_tier,
    speed,
    inference_geo,
    uncached_input_tokens,
    cache_read_input_tokens,
    cache_write_5m_input_tokens,
    cache_write_1h_input_tokens,
    audio_input_tokens,
    cache_read_audio_input_tokens,
    image_input_tokens,
    output_tokens,
    reasoning_output_tokens,
    audio_output_tokens,
    image_output_tokens,
    web_search_requests,
    file_search_requests
from window_charges
left join named
    on named.provider_name is not distinct from window_charges.provider_name
    and named.request_model is not distinct from window_charges.request_model
    and named.response_model is not distinct from window_charges.response_model
