-- One row a call out of every sighting of it (two logs, a log read twice, a streamed message).
-- Consumption is taken whole from the fullest sighting; every other column is a maximum, a minimum
-- or a union over the sightings. So neither their order nor their number changes the answer.
-- `also_seen` keeps the places of the sightings whose consumption was not taken.
with ranked as (
    select
        *,
        row_number() over (
            partition by call_id
            order by
                list_position(['reported', 'exact', 'ratio', 'tiktoken', 'bytes'], count_basis),
                output_tokens + audio_output_tokens + image_output_tokens desc,
                uncached_input_tokens + cache_read_input_tokens + cache_write_5m_input_tokens
                + cache_write_1h_input_tokens + audio_input_tokens
                + cache_read_audio_input_tokens + image_input_tokens desc,
                output_basis,
                reasoning_output_tokens desc,
                web_search_requests + file_search_requests desc,
                status desc,
                response_cache_hit desc,
                cache_write_1h_input_tokens desc,
                cache_read_input_tokens desc,
                source,
                file,
                line
        ) = 1 as fullest
    from sightings
)

select
    call_id,
    coalesce(min(started_at) filter (time_basis = 'log'), min(started_at)) as started_at,
    any_value(columns(lambda name: name in (
        'uncached_input_tokens', 'cache_read_input_tokens', 'cache_write_5m_input_tokens',
        'cache_write_1h_input_tokens', 'audio_input_tokens', 'cache_read_audio_input_tokens',
        'image_input_tokens', 'output_tokens', 'reasoning_output_tokens', 'audio_output_tokens',
        'image_output_tokens', 'web_search_requests', 'file_search_requests', 'output_basis',
        'count_basis', 'count_margin', 'status', 'response_cache_hit', 'source', 'file', 'line'
    ))) filter (fullest),
    coalesce(max(workflow) filter (workflow_basis = 'explicit'), max(workflow)) as workflow,
    list_sort(list_distinct(flatten(list(tags) filter (tags is not null)))) as tags,
    nullif(list_sort(list_filter(
        list_distinct(
            coalesce(flatten(list(also_seen) filter (also_seen is not null)), [])
            || list({'source': source, 'file': file, 'line': line})
        ),
        lambda place: place
        <> any_value({'source': source, 'file': file, 'line': line}) filter (fullest)
    )), []) as also_seen,
    list_sort(list_distinct(flatten(
        list(matched_ids) filter (matched_ids is not null)
    ))) as matched_ids,
    max(block_hashes) as block_hashes,
    arg_max_null(block_sizes, (block_hashes, block_sizes)) filter (block_hashes is not null) as block_sizes,
    arg_max_null(tool_blocks, (block_hashes, tool_blocks)) filter (block_hashes is not null) as tool_blocks,
    arg_max_null(system_blocks, (block_hashes, system_blocks)) filter (block_hashes is not null) as system_blocks,
    max(tool_call_hashes) as tool_call_hashes,
    arg_max_null(tool_names, (tool_call_hashes, tool_names)) filter (tool_call_hashes is not null) as tool_names,
    arg_max_null(polls, (tool_call_hashes, polls)) filter (tool_call_hashes is not null) as polls,
    max(tool_result_hashes) as tool_result_hashes,
    arg_max_null(tool_result_bytes, (tool_result_hashes, tool_result_bytes)) filter (tool_result_hashes is not null) as tool_result_bytes,
    arg_max_null(tool_errors, (tool_result_hashes, tool_errors)) filter (tool_result_hashes is not null) as tool_errors,
    max(tools_offered) as tools_offered,
    arg_max_null(tools_offered_bytes, (tools_offered, tools_offered_bytes)) filter (tools_offered is not null) as tools_offered_bytes,
    bool_and(success) as success,
    max(columns(lambda name: name in (
        'time_basis', 'operation_name', 'provider_name', 'request_model', 'response_model',
        'service_tier', 'speed', 'inference_geo', 'error_type', 'finish_reason', 'stream',
        'duration_ms', 'time_to_first_token_ms', 'retry_of', 'attempt', 'billed_cost',
        'workflow_basis', 'user_id', 'team', 'project', 'environment', 'api_key_alias',
        'api_key_hash', 'conversation_id', 'parent_id', 'agent_name', 'reasoning_effort',
        'temperature', 'structured_output', 'request_hash', 'response_hash', 'output_bytes',
        'tools_hash', 'steady_hash', 'choices', 'max_output_tokens', 'turn'
    )))
from ranked
group by call_id
