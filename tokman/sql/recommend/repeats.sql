-- Requests that came more than once for the same tenant: everything that makes the answer is the
-- same, and so are team, project, key and user as far as the log names them.
-- `place` orders all of them, `asked` and `answered` are microseconds. Where the log says nothing
-- of how long an answer took, a minute is allowed: a repeat before that could not be served.
-- An answer is kept if it is whole; one that the caller asked for again, or several times at once,
-- is not served from a cache. Calls that use tools or search the web may do something, or see
-- something new, so that they are never among these; an embedding does neither.
with alike as (
    select
        calls.call,
        calls.workflow,
        calls.embeds,
        calls.provider_id,
        calls.model_id,
        calls.cost,
        calls.response_hash,
        calls.temperature,
        calls.seen_at,
        calls.tie,
        epoch_us(calls.seen_at) as asked,
        asked + greatest(coalesce(calls.duration_ms, 60000), 0) * 1000 as answered,
        calls.finish_reason is null
        or lower(calls.finish_reason) not in (
            'length', 'max_tokens', 'content_filter', 'error', 'cancelled', 'incomplete'
        ) as whole,
        not calls.retry as servable,
        hash(
            calls.inquiry,
            calls.provider_id,
            calls.model_id,
            calls.request_model
        ) as request
    from calls
    where
        calls.ok
        and not calls.agent
        and calls.cost > 0
        and calls.model_id is not null
        and calls.seen_at is not null
        and calls.request_hash is not null
        and coalesce(calls.choices, 1) = 1
        and (
            calls.embeds
            or (
                not calls.called_tools
                and not calls.tools_answered
                and coalesce(lower(calls.finish_reason), '') not in ('tool_calls', 'tool_use')
                and calls.web_search_requests + calls.file_search_requests = 0
            )
        )
)

select
    row_number() over (order by request, asked, tie, call) as place,
    * exclude (tie, seen_at)
from alike
semi join (select request from alike group by request having count(*) > 1) using (request)
