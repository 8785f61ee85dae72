import { createInMemoryDriver } from "../../src/drivers/inmemory/driver.js";
import { driverContract } from "../contract/driver-contract.js";

driverContract("inmemory", {
  create: () => Promise.resolve(createInMemoryDriver()),
  destroy: (driver) => driver.close(),
});
