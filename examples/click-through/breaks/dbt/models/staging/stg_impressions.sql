select
    impression_id,
    article_id,
    position,
    channel,
    country,
    cast(shown_at as date) as shown_on
from {{ source('newsletter', 'impressions') }}
