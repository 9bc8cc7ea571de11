# One image for every command: `run` (what it does when told nothing), `sweep`, `migrate`, …
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# The only step that downloads. Ready-made wheels alone, each checked against its hash.
COPY requirements.txt .
RUN pip download --require-hashes --no-deps --only-binary :all: -r requirements.txt -d wheels

# hatchling builds the project's own wheel from here; what the worker needs, and no more, is
# installed beside it. Neither step looks further than at the files that were checked.
COPY pyproject.toml README.md ./
COPY alembic alembic
COPY storyboard_worker storyboard_worker
RUN pip wheel --no-index --find-links wheels --no-deps -w wheels . \
    && python -m venv --without-pip /opt/storyboard-worker \
    && pip --python /opt/storyboard-worker/bin/python install \
        --no-index --find-links wheels --no-compile storyboard-worker \
    && pip --python /opt/storyboard-worker/bin/python check \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/storyboard-worker/lib

FROM ${BASE}
# A name for the number: the database driver asks who it runs as.
RUN groupadd --gid 10001 storyboard \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin storyboard
COPY --from=build /opt/storyboard-worker /opt/storyboard-worker
ENV PATH=/opt/storyboard-worker/bin:$PATH
# The base image comes without bytecode. Starting the commands once, while files can still be
# written, leaves that of the modules they need, and shows that they start.
RUN for command in run sweep migrate; do storyboard-worker "$command" --help >/dev/null || exit; done
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /

ARG REVISION=unknown
LABEL org.opencontainers.image.title="storyboard-worker" \
      org.opencontainers.image.description="Copies generated storyboard images to Cloudinary before their signed URLs die." \
      org.opencontainers.image.revision="${REVISION}"

# The exec form: no shell stands between the platform's SIGTERM and the worker.
STOPSIGNAL SIGTERM
ENTRYPOINT ["storyboard-worker"]
CMD ["run"]
