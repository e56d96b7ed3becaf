-- Calls that try again what a cheaper model had tried, and the call that they try again.
-- A model is the cheaper one where its calls of the workflow cost less per token.
with dearness as (
    select
        calls.workflow,
        current.provider_id,
        current.model_id,
        sum(current.cost)::double / nullif(sum(
            current.uncached_input_tokens + current.cache_read_input_tokens
            + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens
            + current.output_tokens
        ), 0) as dearness
    from current
    inner join calls using (call)
    where calls.ok
    group by all
),

models as (
    select
        calls.call,
        calls.tie,
        calls.retry_of,
        current.provider_id,
        current.model_id,
        dearness.dearness
    from current
    inner join calls using (call)
    inner join dearness
        on dearness.workflow is not distinct from calls.workflow
        and dearness.provider_id = current.provider_id
        and dearness.model_id = current.model_id
)

select distinct
    later.call,
    earlier.call as earlier
from models as later
inner join models as earlier on earlier.tie = hash(later.retry_of)
where later.retry_of is not null and earlier.dearness < later.dearness
