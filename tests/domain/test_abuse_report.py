"""What becomes of a report of abuse."""

from domain import abuse_report
from domain.abuse_report import (
    Complaint,
    Reason,
    ReportErased,
    ReportFiled,
    ReportResolved,
    Resolution,
    Verdict,
)
from domain.refusals import Conflict, NotFound
from tests.spec import IMAGE, Given

SAID = Complaint(details="It is mine.", email="ann@example.org")
FILING = {"image_id": IMAGE, "reason": Reason.COPYRIGHT, "complaint": SAID}
filed = ReportFiled(image_id=IMAGE, reason=Reason.COPYRIGHT, personal=SAID)
dismissed = ReportResolved(resolution=Resolution.DISMISS, personal=Verdict(reason="no"))


def given(*events):
    return Given(abuse_report.evolve, *events)


def test_it_is_filed_once():
    given().when(abuse_report.file, **FILING).then(filed)
    given(filed).when(abuse_report.file, **FILING).then_nothing()
    other = FILING | {"reason": Reason.SPAM}
    given(filed).when(abuse_report.file, **other).then_refused(Conflict)


def test_it_is_resolved_once():
    no = {"to": Resolution.DISMISS, "reason": "no"}
    given(filed).when(abuse_report.resolve, **no).then(dismissed)
    given(filed, dismissed).when(abuse_report.resolve, **no).then_nothing()
    yes = {"to": Resolution.TAKEDOWN, "reason": "yes"}
    given(filed, dismissed).when(abuse_report.resolve, **yes).then_refused(Conflict)


def test_what_was_not_filed_or_is_erased_is_not_there():
    no = {"to": Resolution.DISMISS, "reason": "no"}
    given().when(abuse_report.resolve, **no).then_refused(NotFound)
    given(filed, ReportErased()).when(abuse_report.resolve, **no).then_refused(NotFound)


def test_it_is_erased_once():
    given(filed).when(abuse_report.erase).then(ReportErased())
    given(filed, dismissed).when(abuse_report.erase).then(ReportErased())
    given(filed, ReportErased()).when(abuse_report.erase).then_nothing()
    given().when(abuse_report.erase).then_nothing()
