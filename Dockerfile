# syntax=docker/dockerfile:1
# The server alone; PostgreSQL and RocketMQ have containers of their own, see docker-compose.yml.
ARG NODE_IMAGE=node:24.22.3-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts
RUN npm run build

# What runs needs no compiler and no embedded PostgreSQL.
FROM ${NODE_IMAGE} AS production
WORKDIR /app
COPY --from=build /build/package.json /build/package-lock.json /build/.npmrc ./
COPY --from=build /build/config config
COPY --from=build /build/packages packages
COPY --from=build /build/apps apps
COPY --from=build /build/conformance/package.json conformance/package.json
RUN npm ci --ignore-scripts --omit=dev --omit=optional --workspace @dt/server

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=production /app .
USER node
EXPOSE 8087
# dt stops within server.drain_seconds and 20 seconds more; give the container longer than that.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8087/readyz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "apps/server/bin/dt.js"]
CMD ["serve", "--config", "config/docker.json"]
