-- One row per impression, with whether it was clicked.
select
    impressions.impression_id,
    impressions.shown_on,
    impressions.position,
    impressions.channel,
    impressions.country,
    impressions.shown_on - articles.published_on as age_days,
    coalesce(articles.clicks_7d, 0) as clicks_7d,
    coalesce(clicks.clicked, 0) as clicked
from {{ ref('stg_impressions') }} as impressions
left join {{ ref('stg_articles') }} as articles
    on impressions.article_id = articles.article_id
left join {{ ref('stg_clicks') }} as clicks
    on impressions.impression_id = clicks.impression_id
