"""Files are as large as plan and installation allow; no more come in than may in a month."""

from functools import partial

import pytest

from commands.plans import within_plan
from commands.transfers import Allowance
from commands.uploads import InitiateUpload
from domain.image_events import Promised
from domain.media import Caps
from domain.plan import FREE, Plan
from domain.refusals import TransferExceeded
from tests.spec import IMAGE, OWNER

PLANS = {"free": FREE, "small": Plan(file_bytes=5), "large": Plan(file_bytes=500)}


class Month:
    """Allowances, of which so much is used already."""

    def __init__(self, used, limit, plan="free"):
        self._allowance = Allowance(limit=limit, used=used, counter=OWNER, left=9, plan=plan)

    async def uploads(self, owner_id):
        assert owner_id == OWNER
        return self._allowance


async def caps_within(allowances, **more):
    async def handler(command, *, caps):
        return caps

    upload = partial(InitiateUpload, by=OWNER, size=10, content_type="image/png")
    return await within_plan(
        upload(promised=Promised(filename="a.png"), **more),
        handler=handler,
        plans=PLANS,
        caps=Caps(file_bytes=50, pixels=7),
        allowances=allowances,
    )


@pytest.mark.parametrize(
    ("plan", "most"), [("free", 50), ("small", 5), ("large", 50), ("gone", 50), (None, 50)]
)
async def test_the_smaller_one_counts(plan, most):
    for limit in (None, 100):
        found = await caps_within(Month(90, limit, plan))
        assert found == Caps(file_bytes=most, pixels=7)


async def test_what_would_be_too_much_for_the_month_is_not_even_begun():
    with pytest.raises(TransferExceeded) as refused:
        await caps_within(Month(91, 100))

    figures = {"limitBytes": 100, "usedBytes": 91, "requestedBytes": 10, "retryAfter": 9}
    assert refused.value.facts == figures
    assert await caps_within(Month(91, 100), album_id=IMAGE), "that may be another's"
    too_large = await caps_within(Month(91, 100, "small"))
    assert too_large, "the file is too large, whatever the month"
