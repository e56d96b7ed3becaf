-- The priced calls between $since and $until, what can be seen of each, and what it consumed.
-- `seen_at` is NULL where the log states no time: the time of its file says nothing of arrivals.
-- Coding agents are marked: their client, not the user, plans the turns and marks the cache.
select
    row_number() over () as call,
    call_id,
    hash(call_id) as tie,
    case when time_basis = 'log' then started_at end as seen_at,
    cast(seen_at as date) as day,
    workflow,
    source in ('claude-code', 'codex') as agent,
    charges.status = 'ok' and not charges.response_cache_hit as ok,
    operation_name,
    stream,
    "user" is null as humanless,
    coalesce(api_key_alias, api_key_hash) as key,
    conversation_id,
    hash(coalesce(conversation_id, call_id)) as conversation,
    retry_of is not null as retry,
    finish_reason,
    structured_output,
    coalesce(len(tool_call_hashes), 0) > 0 as called_tools,
    response_hash,
    case when not agent then block_hashes end as block_hashes,
    case when not agent then block_sizes end as block_sizes,
    started_at,
    response_cache_hit,
    status,
    output_basis,
    provider_name,
    request_model,
    response_model,
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
from charges
where
    list_cost is not null
    and ($since::timestamp is null or started_at >= $since::timestamp)
    and ($until::timestamp is null or started_at < $until::timestamp)
