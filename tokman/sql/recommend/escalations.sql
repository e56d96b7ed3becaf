-- Calls that try again what a cheaper model had tried, and the call that they try again.
-- A model is the cheaper one where its calls of the workflow cost less per token.
with dearness as (
    select
        calls.workflow,
        calls.provider_id,
        calls.model_id,
        sum(calls.cost)::double / nullif(sum(
            calls.uncached_input_tokens + calls.cache_read_input_tokens
            + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens
            + calls.output_tokens
        ), 0) as dearness
    from calls
    where calls.ok
    group by all
),

models as (
    select
        calls.call,
        calls.tie,
        calls.retry_of,
        calls.provider_id,
        calls.model_id,
        dearness.dearness
    from calls
    inner join dearness
        on dearness.workflow is not distinct from calls.workflow
        and dearness.provider_id = calls.provider_id
        and dearness.model_id = calls.model_id
)

select distinct
    later.call,
    earlier.call as earlier
from models as later
inner join models as earlier on earlier.tie = later.retry_of
where later.retry_of is not null and earlier.dearness < later.dearness
