# docker build --target cpu|cuda --platform linux/amd64 .
# The steps are docker/install.sh, which a test runs without Docker.
ARG NODE=node:24-trixie-slim

FROM ${NODE} AS tools
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ python3-pip \
  && rm -rf /var/lib/apt/lists/* \
  && npm install --global npm@11
ENV CONTRASTREAM_CACHE=/opt/contrastream
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY lib lib
COPY docker docker

FROM tools AS install-cpu
RUN docker/install.sh cpu

FROM tools AS install-cuda
RUN docker/install.sh cuda

FROM ${NODE} AS base
# Decoders of pictures fragment the memory of the C library (lovell/sharp#955).
RUN apt-get update \
  && apt-get install -y --no-install-recommends libjemalloc2 \
  && rm -rf /var/lib/apt/lists/*
ENV LD_PRELOAD=libjemalloc.so.2 \
  NODE_ENV=production \
  CONTRASTREAM_CACHE=/opt/contrastream \
  CONTRASTREAM__DATA=/var/lib/contrastream \
  VIPS_BLOCK_UNTRUSTED=1
# Volumes take the owner of the folder that they cover: the root may then be read-only.
RUN install -d -o node -g node /var/lib/contrastream
VOLUME ["/var/lib/contrastream", "/tmp"]
WORKDIR /app
USER node
EXPOSE 8080 9090
ENTRYPOINT ["node", "docker/entrypoint.ts"]
CMD ["--help"]

FROM base AS cuda
# What the NVIDIA runtime hands into the container: no graphics.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=install-cuda /opt/contrastream /opt/contrastream
COPY --from=install-cuda /app /app

FROM base AS cpu
COPY --from=install-cpu /opt/contrastream /opt/contrastream
COPY --from=install-cpu /app /app
