# The Node worker. docs/DEPLOYMENT.md says how to run it; test/deploy/image.test.ts does what stands here, without an engine.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package that the worker needs has an install script.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY src/shared src/shared
COPY src/worker src/worker
# Owned by root, and read by an account that may write nothing.
USER node
EXPOSE 8080
# Then the worker ends with its page, or hands it back, within 10 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.CONNECTOR_PORT || 8080}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=2", "src/worker/main.ts"]
