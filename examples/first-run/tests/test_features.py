"""Features."""

import pandas as pd

from churn.features import COLUMNS, build


def test_one_row_per_customer():
    events = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "days_since_login": [3, 1, 9],
            "is_order": [True, True, False],
            "is_ticket": [False, False, True],
        }
    )
    assert build(events)[COLUMNS].values.tolist() == [[1, 2, 0], [9, 0, 1]]
