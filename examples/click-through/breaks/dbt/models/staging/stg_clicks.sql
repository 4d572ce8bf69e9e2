select
    impression_id,
    1 as clicked,
    min(clicked_at) as clicked_at
from {{ source('newsletter', 'clicks') }}
where is_bot = false
group by impression_id
