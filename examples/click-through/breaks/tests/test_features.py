from __future__ import annotations

import pandas as pd

from click_through.features import COLUMNS, features_of

ROW = {"position": 1, "age_days": 2, "clicks_7d": 30, "channel": "mail", "country": "CH"}


def test_columns_come_in_the_models_order():
    assert list(features_of(pd.DataFrame([dict(reversed(ROW.items()))])).columns) == COLUMNS


def test_what_is_missing_is_missing():
    assert features_of(pd.DataFrame([{"position": 1}])).isna().sum().sum() == 4
