"""`make fuzz`: Schemathesis over the whole OpenAPI document, on a service of its own.

Everything is asked by a person who signed in, then all of administration by an administrator. Ends
with 1 where anything was answered that the document does not name, or fewer than MOST were asked.
`tests.fuzz_hooks` adds what the document leaves open.
"""

import os
import re
import subprocess
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

from tests.people import EACH_FORMAT, Person, sample
from tests.service import Service

ROOT = str(Path(__file__).parents[1])
MOST = 20_000
EXAMPLES = "200"
"""Of each route, at most, beside those of its coverage."""
ADMINISTRATION = "^/v1/admin/"
RUN = [
    *(str(Path(sys.executable).with_name("schemathesis")), "run", "--no-color", "--no-shrink"),
    *("--checks", "not_a_server_error,status_code_conformance", "--workers", "1"),
    *("--phases", "coverage,fuzzing", "--max-examples", EXAMPLES, "--request-timeout", "60"),
    *("--continue-on-failure", "--generation-database", "none"),
]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, chdir(folder):
        service = Service(
            Path(folder) / "data",
            DARKROOM_ACCESS_TOKEN_SECONDS="86400",
            DARKROOM_ADMIN_EMAIL="admin@example.org",
        )
        service.start()
        try:
            return over(service)
        finally:
            service.stop()


def over(service: Service) -> int:
    admin, person = Person(service, "admin", "admin@example.org"), Person(service, "person")
    for name in EACH_FORMAT.values():
        person.upload(sample(name), visibility="public", title="to be found")
    asked, bad = 0, 0
    for who, part in ((person, "exclude"), (admin, "include")):
        generated, failed = piece(service, who, part)
        asked, bad = asked + generated, bad + failed
    print(f"{asked:,} requests, {bad} answers that are not as described")
    return 0 if asked >= MOST and not bad else 1


def piece(service: Service, who: Person, part: str) -> tuple[int, int]:
    """How many were asked, and how many kinds of wrong answers there were."""
    command = [*RUN, f"--{part}-path-regex", ADMINISTRATION, f"{service.url}/schema/openapi.json"]
    headers = ["--header", f"Authorization: Bearer {who.tokens['accessToken']}"]
    hooks = os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz_hooks", "PYTHONPATH": ROOT}
    done = subprocess.run(
        [*command, *headers], capture_output=True, text=True, env=hooks, check=False
    )
    print(done.stdout, done.stderr, flush=True)
    counted = re.search(r"(\d+) generated.*", done.stdout)
    assert counted, "Schemathesis did not come to its end"
    errored = re.search(r"(\d+) errored", counted[0])
    wrong = len(re.findall(r"^- ST\d+", done.stdout, re.MULTILINE))
    return int(counted[1]), wrong + (int(errored[1]) if errored else 0)


if __name__ == "__main__":
    sys.exit(main())
