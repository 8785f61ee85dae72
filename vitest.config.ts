import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/src/**/*.test.ts"],
    // What a test waits for comes when it comes: a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // The SDK's advice about Node's version is CONTRIBUTING.md's to heed, once. Registries silence it themselves.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    // Compiled packages, as Node loads them: the test kit is the same for all files, and needn't be transformed for each.
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    maxWorkers: 2,
  },
});
