select
    article_id,
    published_on,
    clicks_7d
from {{ source('newsletter', 'articles') }}
