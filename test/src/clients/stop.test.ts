import { expect, it } from "vitest";
import { startRegistryOfKind } from "@longshore/testkit/registry-of-kind";
import { SLOW } from "./site.js";

it(
  "stops in good order when the first of its processes serves and the others still start",
  async () => {
    // Drains for longer than the test waits: a process that missed the stop is not cut in time to pass.
    const http = { workers: 8, draintimeout: "10m" };
    await using registry = await startRegistryOfKind({ kind: "longshore", http });
    expect(await registry.stop()).toBe(0);
  },
  SLOW,
);
