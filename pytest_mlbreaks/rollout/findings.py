"""What deploys today in an order that a change does not stand, as findings: in the form that every report has."""

from __future__ import annotations

from pytest_mlbreaks import taxonomy
from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.report import AxisPosition, Related, ReportedFinding, fingerprint_of
from pytest_mlbreaks.rollout.order import Order

ID = "deploy-order-contradicts-change"
CATEGORY = "push-order"
FIX = (
    "Push the change in the order that the plan gives, apart from this deploy, or turn the deploy round; "
    "a change that needs neither order (expand, then contract) is the safest."
)


def findings(order: Order) -> tuple[ReportedFinding, ...]:
    """One finding for each edge of *order* that what deploys today turns round, at what is deployed too early."""
    axis = taxonomy.category(CATEGORY).axis
    titles = {change.component.id: change.component.title for change in order.changes}
    found = []
    for told in order.contradictions:
        reason = told.edge.reasons[0]
        first, then = titles[told.edge.first], titles[told.edge.then]
        found.append(
            ReportedFinding(
                check=ID,
                category=CATEGORY,
                also=(),
                severity=Severity.HIGH,
                confidence=Confidence.MEDIUM,
                axis=AxisPosition(axis.ml.value, axis.distributed.value),
                place=told.early.place,
                message=f"{told.early.how} pushes {then} before {first}, which has to run first: {reason.text}",
                because=(
                    Related(told.late.place, f"{first} is pushed only here, by {told.late.how}"),
                    Related(reason.first, f"why {first} has to run first"),
                    Related(reason.then, f"what {then} does"),
                ),
                fix=FIX,
                fingerprint=fingerprint_of(ID, (told.edge.first, told.edge.then, told.early.sequence)),
                about=(told.edge.first, told.edge.then),
            )
        )
    return tuple(found)
