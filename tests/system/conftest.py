"""One service that is hurt, for all who look what becomes of that: the group `chaos`."""

from collections.abc import Iterator

import pytest

from tests.conftest import ADMINISTRATOR
from tests.elsewhere import ELSEWHERE
from tests.service import Service


@pytest.fixture(scope="session")
def hurt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Of three API processes."""
    service = Service(
        tmp_path_factory.mktemp("hurt") / "data",
        DARKROOM_ADMIN_EMAIL=ADMINISTRATOR,
        DARKROOM_API_WORKERS="3",
        DARKROOM_ACCESS_TOKEN_SECONDS="7200",
        DARKROOM_WEBHOOK_ALLOW=f"{ELSEWHERE}/32",
        DARKROOM_WEBHOOK_PATIENCE="10",
    )
    service.start()
    yield service
    service.stop()
