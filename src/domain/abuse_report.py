"""A report of abuse: what somebody says of an image, and what became of it."""

from enum import StrEnum
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.ids import ImageId
from domain.refusals import Conflict, NotFound
from domain.stream import Event, Personal


class Reason(StrEnum):
    COPYRIGHT = "copyright"
    PRIVACY = "privacy"
    ILLEGAL = "illegal"
    VIOLENCE = "violence"
    HARASSMENT = "harassment"
    SPAM = "spam"
    OTHER = "other"


class Resolution(StrEnum):
    """What an administrator does about it."""

    DISMISS = "dismiss"
    TAKEDOWN = "takedown"
    QUARANTINE = "quarantine"


# Events


class Complaint(Personal, frozen=True, kw_only=True):
    details: str
    email: str | None = None
    """Of who reports, to be told what became of it."""


class Verdict(Personal, frozen=True, kw_only=True):
    reason: str


class ReportFiled(Event, frozen=True, kw_only=True, tag="report.filed"):
    """Whether there is such an image, nobody has looked yet: who reports must not learn it."""

    image_id: ImageId
    reason: Reason
    personal: Complaint | None


class ReportResolved(Event, frozen=True, kw_only=True, tag="report.resolved"):
    resolution: Resolution
    personal: Verdict | None


class ReportErased(Event, frozen=True, kw_only=True, tag="report.erased"):
    """With the account that filed it; the stream's key is destroyed because of this."""


ReportEvent: TypeAlias = ReportFiled | ReportResolved | ReportErased

# State


class Report(msgspec.Struct, frozen=True, kw_only=True):
    image_id: ImageId
    reason: Reason
    complaint: Complaint | None
    resolution: Resolution | None = None
    erased: bool = False


def evolve(report: Report | None, event: ReportEvent) -> Report:
    if isinstance(event, ReportFiled):
        return Report(image_id=event.image_id, reason=event.reason, complaint=event.personal)
    assert report is not None, "a report's stream opens with ReportFiled"
    match event:
        case ReportResolved(resolution=resolution):
            return replace(report, resolution=resolution)
        case ReportErased():
            return replace(report, complaint=None, erased=True)
        case _:
            assert_never(event)


# Decisions


def file(
    report: Report | None, *, image_id: ImageId, reason: Reason, complaint: Complaint
) -> list[ReportEvent]:
    if report is not None:
        if (report.image_id, report.reason, report.complaint) == (image_id, reason, complaint):
            return []
        raise Conflict
    return [ReportFiled(image_id=image_id, reason=reason, personal=complaint)]


def resolve(report: Report | None, *, to: Resolution, reason: str) -> list[ReportEvent]:
    """Once: who thinks otherwise acts upon the image."""
    if report is None or report.erased:
        raise NotFound
    if report.resolution is to:
        return []
    if report.resolution:
        raise Conflict(reason="the report is resolved already", resolution=report.resolution.value)
    return [ReportResolved(resolution=to, personal=Verdict(reason=reason))]


def erase(report: Report | None) -> list[ReportEvent]:
    return [] if report is None or report.erased else [ReportErased()]
