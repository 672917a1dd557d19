"""Files are as large as plan and installation both allow."""

import pytest

from commands.plans import within_plan
from commands.uploads import AbortUpload
from domain.media import Caps
from domain.plan import FREE, Plan
from tests.spec import IMAGE, OWNER

PLANS = {"free": FREE, "small": Plan(file_bytes=5), "large": Plan(file_bytes=500)}


@pytest.mark.parametrize(
    ("plan", "most"), [("free", 50), ("small", 5), ("large", 50), ("gone", 50), (None, 50)]
)
async def test_the_smaller_one_counts(plan, most):
    async def plan_of(account_id):
        assert account_id == OWNER
        return plan

    async def handler(command, *, caps):
        return command.image_id, caps

    found = await within_plan(
        AbortUpload(by=OWNER, image_id=IMAGE),
        handler=handler,
        plan_of=plan_of,
        plans=PLANS,
        caps=Caps(file_bytes=50, pixels=7),
    )

    assert found == (IMAGE, Caps(file_bytes=most, pixels=7))
