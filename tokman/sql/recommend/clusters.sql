-- Each cluster of calls in a slot, of the workflows where something is saved. Clusters are drawn again
-- slot by slot within a stratum: the workflow, and the weekday on which they begin ($weekdays).
-- A stratum has so many slots that there are about $slots in all; where it has more clusters than
-- that, equally many share each, at random.
with each as (
    select
        cluster,
        min(workflow) as workflow,
        if($weekdays, coalesce(isodow(min(day)), 1), 1) as weekday
    from calls
    group by cluster
),

placed as (
    select
        each.*,
        dense_rank() over (order by workflow nulls first) % $workflows * 7 + weekday as stratum
    from each
    semi join (
        select each.workflow
        from each
        semi join cluster_savings using (cluster)
    ) as saving
        on saving.workflow is not distinct from each.workflow
)

select
    cluster,
    stratum,
    row_number() over (partition by stratum order by cluster)
    % greatest(2, $slots // (select count(distinct stratum) from placed)) as slot
from placed
