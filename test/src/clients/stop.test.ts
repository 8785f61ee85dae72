import { expect, it } from "vitest";
import { startRegistry } from "./registry.js";
import { SLOW } from "./site.js";

it(
  "stops in good order when the first of its processes serves and the others still start",
  async () => {
    // Drains for longer than the test waits: a process that missed the stop is not cut in time to pass.
    const http = { workers: 8, draintimeout: "10m" };
    await using registry = await startRegistry({ kind: "longshore", http });
    expect(await registry.stop()).toBe(0);
  },
  SLOW,
);
