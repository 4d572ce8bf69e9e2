"""Features of one customer, the same for training and for serving."""

from __future__ import annotations

import pandas as pd

COLUMNS = ["days_since_login", "orders_90d", "tickets_90d"]


def build(events: pd.DataFrame) -> pd.DataFrame:
    """One row per customer from one row per event."""
    by_customer = events.groupby("customer_id", sort=True)
    features = pd.DataFrame(
        {
            "days_since_login": by_customer["days_since_login"].min(),
            "orders_90d": by_customer["is_order"].sum(),
            "tickets_90d": by_customer["is_ticket"].sum(),
        }
    )
    if "churned" in events.columns:
        features["churned"] = by_customer["churned"].max()
    return features.reset_index()
