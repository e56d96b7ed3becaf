-- One row a call out of every sighting of it (two logs, a log read twice, a streamed message).
-- Consumption is taken whole from the fullest sighting; every other column is a maximum, a minimum
-- or a union over the sightings. So neither their order nor their number changes the answer.
-- `also_seen` keeps the places of the sightings whose consumption was not taken.
with ranked as (
    select
        *,
        {'source': source, 'file': file, 'line': line} as place,
        create_sort_key(
            list_position(['reported', 'exact', 'ratio', 'tiktoken', 'bytes'], count_basis),
            'asc nulls last',
            output_tokens + audio_output_tokens + image_output_tokens, 'desc nulls last',
            uncached_input_tokens + cache_read_input_tokens + cache_write_5m_input_tokens
            + cache_write_1h_input_tokens + audio_input_tokens + cache_read_audio_input_tokens
            + image_input_tokens, 'desc nulls last',
            output_basis, 'asc nulls last',
            reasoning_output_tokens, 'desc nulls last',
            web_search_requests + file_search_requests, 'desc nulls last',
            status, 'desc nulls last',
            response_cache_hit, 'desc nulls last',
            cache_write_1h_input_tokens, 'desc nulls last',
            cache_read_input_tokens, 'desc nulls last',
            source, 'asc nulls last',
            file, 'asc nulls last',
            line, 'asc nulls last'
        ) as rank
    from sightings
),

gathered as (
    select
        call_id,
        coalesce(min(started_at) filter (time_basis = 'log'), min(started_at)) as started_at,
        arg_min(
            {
                'uncached_input_tokens': uncached_input_tokens,
                'cache_read_input_tokens': cache_read_input_tokens,
                'cache_write_5m_input_tokens': cache_write_5m_input_tokens,
                'cache_write_1h_input_tokens': cache_write_1h_input_tokens,
                'audio_input_tokens': audio_input_tokens,
                'cache_read_audio_input_tokens': cache_read_audio_input_tokens,
                'image_input_tokens': image_input_tokens,
                'output_tokens': output_tokens,
                'reasoning_output_tokens': reasoning_output_tokens,
                'audio_output_tokens': audio_output_tokens,
                'image_output_tokens': image_output_tokens,
                'web_search_requests': web_search_requests,
                'file_search_requests': file_search_requests,
                'output_basis': output_basis,
                'count_basis': count_basis,
                'count_margin': count_margin,
                'status': status,
                'response_cache_hit': response_cache_hit,
                'source': source,
                'file': file,
                'line': line
            },
            rank
        ) as fullest,
        coalesce(max(workflow) filter (workflow_basis = 'explicit'), max(workflow)) as workflow,
        list_sort(list_distinct(flatten(list(tags) filter (tags is not null)))) as tags,
        list(place) as places,
        flatten(list(also_seen) filter (also_seen is not null)) as places_before,
        list_sort(list_distinct(flatten(
            list(matched_ids) filter (matched_ids is not null)
        ))) as matched_ids,
        arg_max(
            {
                'block_hashes': block_hashes,
                'block_sizes': block_sizes,
                'tool_blocks': tool_blocks,
                'system_blocks': system_blocks
            },
            (request_hash is not null, block_hashes, block_sizes, tool_blocks, system_blocks)
        ) filter (block_hashes is not null) as blocks,
        max({
            'tool_call_hashes': tool_call_hashes,
            'tool_names': tool_names,
            'polls': polls
        }) filter (tool_call_hashes is not null) as tool_calls,
        max({
            'tool_result_hashes': tool_result_hashes,
            'tool_result_bytes': tool_result_bytes,
            'tool_errors': tool_errors
        }) filter (tool_result_hashes is not null) as tool_results,
        min({
            'run_id': run_id,
            'git_commit': git_commit,
            'git_branch': git_branch
        }) filter (coalesce(run_id, git_commit, git_branch) is not null) as run,
        max({
            'tools_offered': tools_offered,
            'tools_offered_bytes': tools_offered_bytes
        }) filter (tools_offered is not null) as tools,
        bool_and(success) as success,
        max(columns(lambda name: name in (
            'time_basis', 'operation_name', 'provider_name', 'request_model', 'response_model',
            'service_tier', 'speed', 'inference_geo', 'error_type', 'finish_reason', 'stream',
            'duration_ms', 'time_to_first_token_ms', 'retry_of', 'attempt', 'billed_cost',
            'workflow_basis', 'user_id', 'team', 'project', 'environment', 'api_key_alias',
            'api_key_hash', 'conversation_id', 'parent_id', 'agent_name', 'case_id',
            'reasoning_effort', 'temperature', 'structured_output', 'request_hash',
            'response_hash', 'output_bytes', 'tools_hash', 'steady_hash', 'choices',
            'max_output_tokens', 'turn'
        )))
    from ranked
    group by call_id
)

select
    * exclude (fullest, places, places_before, blocks, tool_calls, tool_results, tools, run),
    unnest(fullest),
    unnest(blocks),
    unnest(tool_calls),
    unnest(tool_results),
    unnest(tools),
    unnest(run),
    nullif(
        list_sort(list_filter(
            list_distinct(places || coalesce(places_before, [])),
            lambda place: place
            <> {'source': fullest.source, 'file': fullest.file, 'line': fullest.line}
        )),
        []
    ) as also_seen
from gathered
