select
    article_id,
    published_on,
    clicks_7d,
    snapshot_on
from {{ source('newsletter', 'articles') }}
