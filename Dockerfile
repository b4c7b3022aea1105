# One image for the API, the workers, the console and the migration; the command says which. See docs/deployment.md.

ARG BASE=python:3.13-slim
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /service
COPY requirements.lock ./
# Wheels only: a dependency that would need a compiler stops the build here. The environment gets no pip of its own.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --require-hashes --only-binary :all: -r requirements.lock
# Plug-ins and what they need, as pip names them. They keep to the versions above.
ARG PLUGINS=""
# hadolint ignore=SC2086
RUN if [ -n "${PLUGINS}" ]; then \
    python -m pip --python /venv/bin/python freeze > /tmp/installed.txt \
    && python -m pip --python /venv/bin/python install --only-binary :all: --constraint /tmp/installed.txt ${PLUGINS}; fi
# The console script, and the path to the code that the image has in this folder.
COPY pyproject.toml ./
COPY coursegen ./coursegen
RUN python -m pip --python /venv/bin/python install --no-index --no-deps --no-build-isolation --editable .

FROM ${BASE}
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="course-generation" \
      org.opencontainers.image.description="Starts and conducts course generations: API, workers, console and migration" \
      org.opencontainers.image.version="${VERSION}"
# HOST, because the default of the service is loopback, which nobody outside of a container reaches. HOME, because the
# database driver asks for one, also where the container is started as a number that the image doesn't know.
ENV PATH=/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    APP_ENV=production \
    FILES_ROOT=/srv/files \
    HOST=0.0.0.0 \
    HOME=/nonexistent
RUN groupadd --gid 10001 course \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin course \
    && install -d -m 0755 /srv/files
COPY --from=build /venv /venv
WORKDIR /service
# Everything belongs to root: the service can't change its own code. It writes to /tmp and to nothing else.
COPY pyproject.toml wsgi.py ./
COPY coursegen ./coursegen
COPY app ./app
COPY tasks ./tasks
COPY pipeline ./pipeline
COPY sql ./sql
RUN python -m compileall -q .
USER 10001:10001
EXPOSE 8000 8001
STOPSIGNAL SIGTERM
# For the API. compose.yaml gives workers and console checks of their own.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, sys; from http.client import HTTPConnection as C; c = C('127.0.0.1', int(os.environ.get('PORT') or 8000), timeout=2); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
CMD ["coursegen", "api"]
