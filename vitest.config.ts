import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/src/**/*.test.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // What a test waits for comes when it comes: a busy machine is no failure.
    expect: { poll: { timeout: 15_000 } },
    maxWorkers: 2,
  },
});
