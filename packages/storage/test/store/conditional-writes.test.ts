import { expect, it } from "vitest";
import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { createsExclusively } from "../../src/store/conditional-writes.js";
import { createInMemoryObjectStorage } from "../drivers/in-memory-object-storage.js";

it.each([true, false])("tries whether object storage minds conditions: %s", async (conditionalWrites) => {
  const { driver, requests } = createInMemoryObjectStorage({ conditionalWrites });
  expect(await createsExclusively(driver)).toBe(conditionalWrites);
  expect(requests.at(-1)).toMatch(/^Delete/);
});

it("knows that files are created by one", async () => {
  expect(await createsExclusively(createInMemoryDriver())).toBe(true);
});
