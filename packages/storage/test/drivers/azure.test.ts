import { afterAll, beforeAll } from "vitest";
import { startAzurite, type Azurite } from "@longshore/testkit/azure/azurite";
import { startAzureFront, type AzureFront } from "@longshore/testkit/azure/front";
import { describePeers } from "@longshore/testkit/peers";
import { driverContract } from "../contract/driver-contract.js";
import { objectStorageContract } from "../contract/object-storage-contract.js";
import type { StorageDriver } from "../../src/contract/driver.js";
import { azureDriverOn } from "./azure-subject.js";

const MIB = 1024 * 1024;

/** Runs both suites over Azurite, with a container for each test. */
function suites(copies: boolean, parameters: Readonly<Record<string, unknown>> = {}): void {
  let azurite: Azurite | undefined;
  let front: AzureFront | undefined;
  beforeAll(async () => {
    azurite = await startAzurite();
    if (copies) front = await startAzureFront(azurite);
  });
  afterAll(async () => {
    await front?.stop();
    await azurite?.stop();
  });
  const subject = {
    create: async () => {
      if (azurite === undefined) throw new Error("the server has not started");
      return azureDriverOn(front ?? azurite, await azurite.newContainer(), parameters);
    },
    destroy: (driver: StorageDriver) => driver.close(),
  };
  if (copies) driverContract("azure", { ...subject, objectStorage: true });
  objectStorageContract("azure", { ...subject, conditionalWrites: true });
}

describePeers("over Azurite, where bytes that are copied pass through the registry", ["azurite"], () => suites(false));

describePeers(
  "over Azurite with copies by the service, below a directory, with small copies and little memory",
  ["azurite"],
  () => {
    suites(true, {
      rootdirectory: "/some/root dir+ä/",
      chunksize: 5 * MIB,
      copychunksize: 5 * MIB,
      uploadbuffers: 16 * MIB,
    });
  },
);
