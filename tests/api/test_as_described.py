"""The API is as its OpenAPI document says: whatever is sent, it never breaks, and answers nothing
that the document does not name. Schemathesis thinks of what to send."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.people import Person, expect

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
SECONDS = 25
"""Of each half; how much is tried in them is up to the machine."""
ENDLESS = "/v1/events"
EVERYWHERE = "/v1/admin/rescan"
"""It would ask for every image that other tests have made."""
ADMINISTRATION = "^/v1/admin/"


def key_of(person: Person) -> str:
    asked = {"name": "schemathesis", "scopes": ["admin"]}
    return str(expect(person.http.post("/v1/api-keys", json=asked), 201)["secret"])


@pytest.mark.parametrize("part", ["include", "exclude"])
def test_no_answer_but_those_that_it_names(service, admin, tmp_path, part):
    person = admin if part == "include" else Person(service, "schema")
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "run", f"{service.url}/schema/openapi.json", "--no-color"),
            *("--header", f"Authorization: Bearer {key_of(person)}"),
            *("--checks", "not_a_server_error,status_code_conformance"),
            *("--phases", "coverage,fuzzing", "--max-examples", "4", "--max-time", str(SECONDS)),
            *("--exclude-path", ENDLESS, "--exclude-path", EVERYWHERE, "--no-shrink"),
            *(f"--{part}-path-regex", ADMINISTRATION, "--request-timeout", "30"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS * 6,
        check=False,
    )
    said = done.stdout
    assert not re.findall(r"^- ST\d+.*", said, re.MULTILINE), said[-8_000:]
    assert re.search(r"[1-9]\d* generated, \d+ passed", said), said[-2_000:]
