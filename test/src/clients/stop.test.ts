import { expect, it } from "vitest";
import { startRegistry } from "./registry.js";
import { SLOW } from "./site.js";

it(
  "stops in good order when the first of its processes serves and the others still start",
  async () => {
    await using registry = await startRegistry({ kind: "longshore", workers: 8 });
    expect(await registry.stop()).toBe(0);
  },
  SLOW,
);
