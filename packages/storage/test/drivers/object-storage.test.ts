import { objectStorageContract } from "../contract/object-storage-contract.js";
import { createInMemoryObjectStorage } from "./in-memory-object-storage.js";

for (const conditionalWrites of [true, false]) {
  objectStorageContract(`the fake, conditional writes: ${conditionalWrites}`, {
    create: () => Promise.resolve(createInMemoryObjectStorage({ conditionalWrites }).driver),
    destroy: (driver) => driver.close(),
    conditionalWrites,
  });
}
