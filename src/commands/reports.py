"""Abuse reported by anybody, and judged by administrators."""

from functools import partial
from uuid import UUID

import msgspec

from commands.execute import Stream, execute
from commands.limits import Limiter, refusal
from commands.mail import Letter, Letters, Occasion
from commands.ports import EventStore, Hasher, Receipt
from commands.takedown import TakeDown, take_down
from domain import abuse_report, gate, image
from domain.abuse_report import Complaint, Reason, Report, Resolution
from domain.ids import NOBODY, AccountId, ImageId, to_text
from domain.image_events import Notice
from domain.limits import Policy
from domain.stream import fold

BY_REPORT = "report"
"""The gate where an administrator believed a report."""


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    by: AccountId
    """NOBODY for who has not signed in."""
    report_id: UUID
    image_id: ImageId
    reason: Reason
    complaint: Complaint
    client: str
    """Where it comes from."""


class ResolveReport(msgspec.Struct, frozen=True, kw_only=True):
    """`by` was proven to be an administrator."""

    by: AccountId
    report_id: UUID
    to: Resolution
    reason: str


async def file_report(
    command: FileReport, *, store: EventStore, limiter: Limiter | None, policy: Policy
) -> Receipt:
    """It is filed whatever the image is: answer and time say nothing of it."""
    if limiter:
        count = await limiter.take(policy, command.client)
        if not count.granted:
            raise refusal(count)
    decide = partial(
        abuse_report.file,
        image_id=command.image_id,
        reason=command.reason,
        complaint=command.complaint,
    )
    return await execute(store, _stream(command.report_id), decide, by=command.by)


async def resolve_report(command: ResolveReport, *, store: EventStore, letters: Letters) -> Receipt:
    """The image first: a report is not resolved by what did not happen. Whoever gave an address is
    told last, once, however often this is sent."""
    state = fold(abuse_report.evolve, await store.load(command.report_id))
    decide = partial(abuse_report.resolve, to=command.to, reason=command.reason)
    decide(state)
    assert state is not None
    await _act(command, state.image_id, store=store)
    receipt = await execute(store, _stream(command.report_id), decide, by=command.by)
    if state.complaint and state.complaint.email:
        await letters.post(
            Letter(
                id=command.report_id,
                occasion=Occasion.REPORT,
                address=state.complaint.email,
                facts={"image": to_text("img", state.image_id), "outcome": command.to.value},
            )
        )
    return receipt


async def erase_report(report_id: UUID, *, store: EventStore) -> Receipt:
    """With the account that filed it."""
    return await execute(store, _stream(report_id), abuse_report.erase, by=NOBODY)


async def erase_report_again(subject: UUID, *, store: EventStore, hasher: Hasher) -> None:
    """For a log that is older than the erasure; where it is not, nothing happens."""
    await erase_report(subject, store=store)


async def _act(command: ResolveReport, image_id: ImageId, *, store: EventStore) -> None:
    stream, finding = Stream(image_id, image.evolve), to_text("rep", command.report_id)
    match command.to:
        case Resolution.TAKEDOWN:
            notice = Notice(reason=command.reason)
            await take_down(TakeDown(by=command.by, image_id=image_id, notice=notice), store=store)
        case Resolution.QUARANTINE:
            shut = partial(gate.scanned, scanner=BY_REPORT, finding=finding)
            await execute(store, stream, shut, by=command.by)


def _stream(report_id: UUID) -> Stream[Report]:
    return Stream(report_id, abuse_report.evolve)
