# The switch in a container: docker build -t softswitch .
#
#   docker run --network host -e SOFTSWITCH_SIP=192.0.2.10:5060 \
#       -e SOFTSWITCH_TRUNK=192.0.2.1:5060 -v calls:/var/lib/softswitch softswitch
#
# Host networking spares 10,000 port mappings and a translation of every packet. Without it, listen at
# 0.0.0.0:5060 and say in SOFTSWITCH_ADVERTISE how peers reach the host.

FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY requirements requirements
COPY config config
COPY ivr ivr
COPY media media
COPY ringpool ringpool
COPY rtp rtp
COPY softswitch softswitch
# EXTRAS= builds an image without speech: text prompts, keywords and spoken answers need it.
ARG EXTRAS=speech
RUN python -m venv /opt/softswitch \
    && /opt/softswitch/bin/pip install --no-cache-dir ".[$EXTRAS]" \
    && if [ "$EXTRAS" = speech ]; then \
        /opt/softswitch/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/bare.txt; fi

FROM python:3.11-slim-bookworm
# Encrypted sound (`srtp` of trunks) is by libsrtp2, Opus by libopus.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libsrtp2-1 libopus0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --home-dir /var/lib/softswitch --create-home softswitch
COPY --from=build /opt/softswitch /opt/softswitch
COPY config/examples /etc/softswitch/examples
COPY config/samples /etc/softswitch/samples
ENV PATH=/opt/softswitch/bin:$PATH \
    SOFTSWITCH_DATA=/var/lib/softswitch
USER softswitch
WORKDIR /var/lib/softswitch
VOLUME /var/lib/softswitch
EXPOSE 5060/udp 5060/tcp 20000-29999/udp
# By the control socket in the data folder, which asks for no token. A start may take a while: prompts are spoken first.
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s CMD ["softswitch", "ctl", "status"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["softswitch"]
CMD ["run", "-c", "/etc/softswitch/examples/quickstart.yaml"]
