-- How much of a saving the one in a hundred clusters hold that save most; of fewer than 100, the one.
with ranked as (
    select
        lever,
        cell,
        saved,
        row_number() over (partition by lever, cell order by saved desc) as place,
        count(*) over (partition by lever, cell) as clusters
    from cluster_savings
    where saved > 0
)

select
    lever,
    cell,
    max(clusters) as clusters,
    greatest(1, max(clusters) // 100) as few,
    (sum(saved) filter (place <= greatest(1, clusters // 100)) / sum(saved))::double as share
from ranked
group by lever, cell
order by lever, cell
