import type { Records } from "@longshore/auth";
import { expect, it } from "vitest";
import { createSeal } from "../../src/console/sessions/seal.js";

it("doesn't ask the storage for each cookie that somebody makes up, and knows its own at once", async () => {
  let value: Uint8Array | undefined;
  let reads = 0;
  const records: Pick<Records, "read" | "create"> = {
    read: () => {
      reads += 1;
      return Promise.resolve(value === undefined ? undefined : { value, version: "1" });
    },
    create: (_, bytes) => {
      value = bytes;
      return Promise.resolve(true);
    },
  };
  const seal = createSeal(records, "secret");
  const madeUp = `s1.${Buffer.alloc(64).toString("base64url")}`;
  for (let i = 0; i < 10; i += 1) expect(await seal.open(madeUp)).toBeUndefined();
  expect(reads).toBe(1);
  expect(await seal.open(await seal.seal("text"))).toBe("text");
  expect(await seal.open(madeUp)).toBeUndefined();
});
