# A drop-in for registry:2 and registry:3. The base is any Debian image with Node (20 or newer) and npm.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
# Only for networks where npm's registry is reached through a mirror or behind an own certificate authority.
ARG NPM_CONFIG_REGISTRY
ARG NPM_CONFIG_CAFILE
WORKDIR /build
COPY . .
# Only what the two builds need: types have been checked before a release, and the linters and tests with them.
RUN npm ci --ignore-scripts --no-audit --no-fund --workspace=@longshore/registry --workspace=@longshore/console \
 && node packages/console/build.mjs \
 && node packages/registry/bundle.mjs \
 && mkdir -p /image/etc/docker/registry /image/etc/distribution /image/usr/bin /image/var/lib/registry \
 && node deploy/package/program.mjs /image/opt/longshore \
 && npm run --silent sbom >/image/opt/longshore/sbom.cdx.json \
 && cp config/registry2.yml /image/etc/docker/registry/config.yml \
 && cp config/registry3.yml /image/etc/distribution/config.yml \
 && cp deploy/image/entrypoint.sh deploy/image/healthcheck.sh /image/ \
 && cp deploy/image/registry.sh /image/usr/bin/registry \
 && chmod -R u=rwX,go=rX /image && chmod 755 /image/*.sh /image/usr/bin/registry \
 # So that a new volume can be written by the user "registry" as well as by root without any capability.
 && chown 1000:0 /image/var/lib/registry \
 && chmod 775 /image/var/lib/registry \
 # Nothing else of this stage is used, and the classic builder would store it.
 && rm -rf /build/node_modules /root/.npm

FROM ${NODE_IMAGE} AS system
COPY deploy/image/system.sh /
RUN mkdir /system && sh /system.sh /system

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Longshore" \
      org.opencontainers.image.description="A container registry, a drop-in for registry:2 and registry:3" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/longshore/longshore" \
      org.opencontainers.image.documentation="https://github.com/longshore/longshore/blob/main/docs/README.md" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY --from=system /system/ /
COPY --from=build /image/ /
VOLUME ["/var/lib/registry"]
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["/healthcheck.sh"]
ENTRYPOINT ["/entrypoint.sh"]
CMD ["/etc/docker/registry/config.yml"]
