-- From the counts alone, how today's cache behaves from turn to turn: turns that grew by what was
-- answered before, those of them that read just what the turn before read and less than half of its
-- prompt, and calls that write although none reads.
select
    place,
    count(*) as calls,
    count(*) filter (written > 0) as writing,
    count(*) filter (read > 0) as reading,
    count(*) filter (conversing and grown) as grown,
    count(*) filter (
        conversing and grown and read > 0 and read = read_before and read < tokens_before / 2
    ) as stuck
from turned
group by place
having sum(read + written) > 0
order by place
