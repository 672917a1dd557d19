# syntax=docker/dockerfile:1
# One image for every role: docker run darkroom api | relay | project | react | prepare

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build

# What changes seldom first. Everything installed has its hash in a lock, and so has everything
# that runs while it is built.
COPY requirements.lock requirements-build.lock ./
ENV UV_BUILD_CONSTRAINT=requirements-build.lock UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
RUN pip install --no-cache-dir --require-hashes -r requirements-build.lock \
    && uv venv /opt/darkroom \
    && uv pip install --python /opt/darkroom/bin/python --require-hashes -r requirements.lock

COPY pyproject.toml README.md ./
COPY src src
RUN uv pip install --python /opt/darkroom/bin/python --no-deps .


FROM python:3.11.14-slim-bookworm
# A number, so that Kubernetes can see that it is not root.
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent darkroom \
    && install -d -o darkroom -g darkroom /spool /metrics
COPY --from=build /opt/darkroom /opt/darkroom
ENV PATH=/opt/darkroom/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DARKROOM_HOST=0.0.0.0 \
    DARKROOM_SPOOL=/spool \
    PROMETHEUS_MULTIPROC_DIR=/metrics
# The only places it writes to: with a read-only root, mount a tmpfs on each. /metrics counts from
# zero with each start, so it must not outlive the container.
VOLUME ["/spool", "/metrics"]
WORKDIR /spool
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["darkroom"]
CMD ["--help"]
