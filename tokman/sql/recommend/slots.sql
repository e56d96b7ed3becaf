-- The slots that hold a cluster, in order.
select distinct stratum, slot from clusters order by stratum, slot
