# syntax=docker/dockerfile:1
# The daemon in a container: two stages, so that what builds isn't what runs.
#
#   docker build -t provisioner .
#   docker run -d -p 8080:8080 -v provisioner:/data -v ./config:/config:ro provisioner
#
# The store belongs on the volume, and the server must listen beyond the container's own loopback:
#   store: sqlite:////data/provisioner.db
#   server: {bind: 0.0.0.0:8080, admin_bind: 127.0.0.1:8081}
# Where `bind` has another port, set PROVISIONER_HEALTH to the address of its /healthz.
# Stop it with SIGTERM and 10 seconds, docker's default: it ends within them.
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/provisioner
# the lock first: it changes less often than the code, and its layer is kept
COPY requirements.lock /src/
RUN /opt/provisioner/bin/pip install --require-hashes --no-deps -r /src/requirements.lock
COPY pyproject.toml README.md LICENSE /src/
COPY connectors /src/connectors
COPY mappings /src/mappings
COPY provisioner /src/provisioner
RUN /opt/provisioner/bin/pip install --no-deps /src \
    && /opt/provisioner/bin/pip check \
    && /opt/provisioner/bin/provisioner --version

FROM ${PYTHON}
LABEL org.opencontainers.image.title="phone-provisioner" \
      org.opencontainers.image.licenses="Apache-2.0"
# a fixed id, so that the volume's files keep their owner from image to image
RUN groupadd --system --gid 10001 provisioner \
    && useradd --system --uid 10001 --gid provisioner --home-dir /data --no-create-home provisioner \
    && install --directory --owner provisioner --group provisioner --mode 0700 /data
COPY --from=build /opt/provisioner /opt/provisioner
ENV PATH=/opt/provisioner/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PROVISIONER_CONFIG=/config/provisioner.yaml \
    PROVISIONER_HEALTH=http://127.0.0.1:8080/healthz
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# urlopen raises, and python ends with 1, for a 503 as for no answer
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['PROVISIONER_HEALTH'], timeout=4)"]
ENTRYPOINT ["provisioner"]
CMD ["daemon"]
