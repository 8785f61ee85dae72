/** The arrows of docs/architecture.md: what may know what. */
const only = (name, from, to, comment) => ({
  name,
  severity: "error",
  comment,
  from: { path: from },
  to: { path: to },
});

/** The rooms of the registry, from the top: each may use those below it, so that there is no cycle among them. */
const ROOMS = [
  "cli/",
  "(index|run|run-worker)[.]ts",
  "compose[a-z-]*[.]ts",
  "certificates/",
  "server/",
  "copying/",
  "mirroring/",
  "garbage-collection/",
  "limits/",
  "retention/",
  "open-storage[.]ts",
  "quota/",
  "tracing/",
  "console/",
  "http/",
  "status/",
  "maintenance/",
  "metrics/",
  "activity/",
  "audit/",
  "notifications/",
  "observability/",
  "config/",
  "health/",
  "event-formats/",
  "errors/",
];
const REGISTRY = "^packages/registry/src/";

const rooms = [
  only("rooms-are-listed", `${REGISTRY}(?!${ROOMS.join("|")})`, REGISTRY, "a new room has its place in the order"),
  ...ROOMS.slice(1).map((room, index) =>
    only(
      `nothing-above-${room.replace(/[^a-z-]/g, "")}`,
      `${REGISTRY}(${room})`,
      `${REGISTRY}(${ROOMS.slice(0, index + 1).join("|")})`,
      "rooms use those below them",
    ),
  ),
];

module.exports = {
  forbidden: [
    ...rooms,
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    only(
      "base-is-the-lowest-leaf",
      "^packages/base/src",
      "(^packages|@longshore)/(?!base)|node_modules/",
      "every package may use base; it depends on Node alone",
    ),
    only(
      "options-know-no-implementation",
      "^packages/options/src",
      "(^packages|@longshore)/(storage|auth|token-server|mirror|inventory|policy|registry)(/|$)",
      "what declares options belongs to their owner",
    ),
    only(
      "storage-is-a-leaf",
      "^packages/storage/src",
      "(^packages|@longshore)/(auth|token-server|mirror|inventory|policy|registry)(/|$)",
      "storage knows neither auth nor HTTP",
    ),
    only(
      "auth-is-a-leaf",
      "^packages/auth/src",
      "(^packages|@longshore)/(storage|token-server|mirror|inventory|policy|registry)(/|$)",
      "auth knows neither storage nor HTTP",
    ),
    only(
      "the-token-server-leans-on-auth",
      "^packages/token-server/src",
      "(^packages|@longshore)/(storage|mirror|inventory|policy|registry)(/|$)",
      "what it keeps is kept through a port",
    ),
    only(
      "the-mirror-leans-on-storage",
      "^packages/mirror/src",
      "(^packages|@longshore)/(auth|token-server|inventory|policy|registry)(/|$)",
      "upstream content is stored by the storage contract, and served by the registry",
    ),
    only(
      "the-inventory-leans-on-storage",
      "^packages/inventory/src",
      "(^packages|@longshore)/(auth|token-server|mirror|policy|registry)(/|$)",
      "it is derived from what is stored; who asks is not its concern",
    ),
    only(
      "policies-are-pure",
      "^packages/policy/src",
      "(^packages|@longshore)/(storage|auth|token-server|mirror|inventory|registry)(/|$)|node:(fs|net|http|child_process)",
      "values in, decisions out; effects are their callers'",
    ),
    only(
      "the-testkit-is-for-tests",
      "^packages/(?!testkit)[^/]+/src",
      "@longshore/testkit|^packages/testkit",
      "only tests share what tests need",
    ),
    only(
      "the-console-stands-alone",
      "^packages/console/src",
      "(^packages/(?!console)|@longshore/)|node_modules/(?!preact|@preact/)",
      "it runs in a browser, and asks the registry over HTTP",
    ),
    only(
      "nothing-imports-the-console",
      "^packages/(?!console)[^/]+/src",
      "^packages/console|@longshore/console",
      "the registry serves what was built",
    ),
    only(
      "model-is-pure",
      "^packages/storage/src/model",
      "^packages/storage/src/(contract|layout|drivers|store|cache)",
      "values know no effects",
    ),
    only(
      "contract-is-interfaces",
      "^packages/storage/src/contract",
      "^packages/storage/src/(layout|drivers|store|cache)",
      "contracts know no implementation",
    ),
    only(
      "layout-is-pure",
      "^packages/storage/src/layout",
      "^packages/storage/src/(drivers|store)",
      "paths know no effects",
    ),
    only(
      "drivers-know-bytes",
      "^packages/storage/src/drivers",
      "^packages/storage/src/(layout|store|model)",
      "a driver knows paths and bytes only",
    ),
    only(
      "caches-know-no-storage",
      "^packages/storage/src/cache",
      "^packages/storage/src/(layout|drivers|store|gc)",
      "a cache is asked by stores; it reads nothing itself",
    ),
    only(
      "stores-use-the-contract",
      "^packages/storage/src/store",
      "^packages/storage/src/drivers",
      "stores reach drivers through the contract",
    ),
    only(
      "collector-uses-helpers",
      "^packages/storage/src/gc",
      "^packages/storage/src/(drivers|store/(?!leases/(collector-watch|hidden-)|manifests/revisions|shared/))",
      "the collector reaches drivers through the contract, and shares pure helpers with the stores",
    ),
    only(
      "copies-use-the-contract",
      "^packages/storage/src/copy",
      "^packages/storage/src/(drivers|layout|cache|gc|store/(?!shared/concurrent))",
      "a copy between repositories pushes and mounts like a client",
    ),
    only(
      "an-archive-reaches-no-driver",
      "^packages/storage/src/archive",
      "^packages/storage/src/(drivers|cache|gc|scrub)",
      "it reads through the contract, and knows the paths that files have",
    ),
    only(
      "the-scrub-uses-helpers",
      "^packages/storage/src/scrub",
      "^packages/storage/src/(drivers|cache|copy|gc/(?!repositories|read-manifest))",
      "it reaches drivers through the contract, and reads what the stores and the collector read",
    ),
    only(
      "stores-know-no-collector",
      "^packages/storage/src/store",
      "^packages/storage/src/gc",
      "they shake hands on disk",
    ),
    only(
      "koa-stays-in-http",
      "^packages/registry/src/(?!http|server)",
      "node_modules/(koa|@koa)/",
      "one room knows the framework",
    ),
    only(
      "no-framework-below",
      "^packages/(storage|auth|token-server|mirror|inventory|policy)/src",
      "node_modules/(koa|@koa|pino|prom-client)/",
      "ports are passed in",
    ),
  ],
  options: {
    // Built packages are seen as targets, not looked into.
    doNotFollow: { path: "node_modules|(^|/)dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.tests.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["types", "import", "node", "default"] },
  },
};
