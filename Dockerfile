# A drop-in for registry:2 and registry:3. The base is any Debian image with Node 20 and npm.
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
# Only for networks where npm's registry is reached through a mirror or behind an own certificate authority.
ARG NPM_CONFIG_REGISTRY
ARG NPM_CONFIG_CAFILE
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && npx --no-install tsc --build packages/registry \
 && node packages/console/build.mjs \
 && node packages/registry/bundle.mjs \
 && rm -rf node_modules packages/*/node_modules \
 && npm ci --ignore-scripts --no-audit --no-fund --omit=dev --workspace=@longshore/registry \
 && mkdir -p /image/opt/longshore /image/etc/docker/registry /image/etc/distribution /image/usr/bin /image/var/lib/registry \
 && cp -a LICENSE package.json node_modules packages config /image/opt/longshore/ \
 && find /image/opt/longshore/packages -maxdepth 2 \( -name src -o -name '*.mjs' -o -name index.html -o -name 'tsconfig*.json' \) -exec rm -rf {} + \
 && rm -rf /image/opt/longshore/packages/testkit /image/opt/longshore/packages/console/dist/types \
 && find /image/opt/longshore/packages -name '.tsbuildinfo' -delete \
 && cp config/registry2.yml /image/etc/docker/registry/config.yml \
 && cp config/registry3.yml /image/etc/distribution/config.yml \
 && cp deploy/image/entrypoint.sh /image/entrypoint.sh \
 && ln -s /opt/longshore/packages/registry/bin/registry.js /image/usr/bin/registry \
 && chmod -R u=rwX,go=rX /image

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Longshore" \
      org.opencontainers.image.description="A container registry, a drop-in for registry:2 and registry:3" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
COPY --from=build /image/ /
VOLUME ["/var/lib/registry"]
EXPOSE 5000
ENTRYPOINT ["/entrypoint.sh"]
CMD ["/etc/docker/registry/config.yml"]
