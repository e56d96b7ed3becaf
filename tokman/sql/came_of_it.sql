-- The charges with what came of the work: whether every outcome that counts for the call was a
-- success, else what its log says. Of which kind they must be is declared by workflow in `worth`.
with came as (
    select
        call_id,
        bool_and(outcome_calls.success) as success
    from $charges as charges
    inner join outcome_calls using (call_id)
    left join worth on worth.workflow is not distinct from charges.workflow
    where outcome_calls.outcome = coalesce(worth.outcome, outcome_calls.outcome)
    group by call_id
)

select charges.* replace (coalesce(came.success, charges.success) as success)
from $charges as charges
left join came using (call_id)
