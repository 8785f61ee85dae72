/** The arrows of docs/architecture.md: what may know what. */
const only = (name, from, to, comment) => ({
  name,
  severity: "error",
  comment,
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true } },
    only(
      "storage-is-a-leaf",
      "^packages/storage/src",
      "(^packages|@longshore)/(auth|registry)(/|$)",
      "storage knows neither auth nor HTTP",
    ),
    only(
      "auth-is-a-leaf",
      "^packages/auth/src",
      "(^packages|@longshore)/(storage|registry)(/|$)",
      "auth knows neither storage nor HTTP",
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
      "^packages/storage/src/(drivers|store/(?!collector-watch|concurrent|hidden-files|hidden-objects|link-names|links|paging|revisions))",
      "the collector reaches drivers through the contract, and shares pure helpers with the stores",
    ),
    only(
      "stores-know-no-collector",
      "^packages/storage/src/store",
      "^packages/storage/src/gc",
      "they shake hands on disk",
    ),
    only(
      "http-uses-contracts",
      "^packages/registry/src/http",
      "^packages/registry/src/(server|cli|compose)",
      "handlers know no process",
    ),
    only(
      "errors-are-a-leaf",
      "^packages/registry/src/errors",
      "^packages/registry/src/(http|server|cli|config)",
      "one table, below everything",
    ),
    only(
      "koa-stays-in-http",
      "^packages/registry/src/(?!http|server)",
      "node_modules/(koa|@koa)/",
      "one room knows the framework",
    ),
    only(
      "no-framework-below",
      "^packages/(storage|auth)/src",
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
