-- What came of the work in `scope` by the columns named in $by: outcomes, those that were a success,
-- and what these are worth in USD as their file says, else as tokman.toml declares. An outcome that
-- several groups worked on is one of each. Where only the log tells, a conversation is an outcome.
with declared as (
    select workflow as name, outcome as counts, value as declared_worth from worth
),

worked as (
    select call_id as worked_on, outcome_id, outcome, success as succeeded, value as stated_worth
    from outcome_calls
),

touched as (
    select
        columns(lambda name: list_contains($by, name)),
        outcome_id,
        succeeded,
        coalesce(stated_worth, declared_worth) as worth
    from scope
    inner join worked on worked_on = call_id
    left join declared on declared.name is not distinct from workflow
    where outcome = coalesce(counts, outcome)
    union all by name
    select
        columns(lambda name: list_contains($by, name)),
        'conversation ' || coalesce(conversation_id, call_id) as outcome_id,
        success as succeeded,
        declared_worth as worth
    from scope
    anti join worked on worked_on = call_id
    left join declared on declared.name is not distinct from workflow
    where success is not null and counts is null
),

once as (
    select
        columns(lambda name: list_contains($by, name)),
        outcome_id,
        bool_and(succeeded) as succeeded,
        max(worth) as worth
    from touched
    group by all
)

select
    columns(lambda name: list_contains($by, name)),
    count(*) as outcomes,
    count(*) filter (succeeded) as successes,
    sum(worth) filter (succeeded) as outcome_value,
    count(*) filter (succeeded and worth is null) as unvalued_successes
from once
group by all
