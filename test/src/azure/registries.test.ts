import { join } from "node:path";
import { beforeAll, it } from "vitest";
import { azureParameters, startAzurite, type Azurite } from "@longshore/testkit/azure/azurite";
import { startAzureFront, type AzureFront } from "@longshore/testkit/azure/front";
import { describePeers } from "@longshore/testkit/peers";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { makeImage, writeLayout } from "../clients/images.js";
import { SLOW, useResources } from "../clients/site.js";
import { registriesOverObjects } from "../objects/registries.js";
import { startCluster } from "../s3/replicas.js";

const MIB = 1024 * 1024;

describePeers("registries over one container of Azure Blob Storage", ["azurite"], () => {
  const own = useResources();
  let azurite: Azurite;
  let front: AzureFront;

  beforeAll(async () => {
    azurite = own(await startAzurite());
    front = own(await startAzureFront(azurite));
  }, SLOW);

  registriesOverObjects({
    driver: "azure",
    own,
    newBucket: () => azurite.newContainer(),
    parameters: (container, origin = new URL(front.serviceUrl).origin) => {
      const { pathname } = new URL(azurite.serviceUrl);
      return azureParameters({ ...azurite, serviceUrl: origin + pathname }, container);
    },
    withoutSecrets: ({ accountkey, ...parameters }) => ({
      parameters,
      env: {
        REGISTRY_STORAGE_AZURE_ACCOUNTKEY: String(accountkey),
        REGISTRY_STORAGE_AZURE_CREDENTIALS_TYPE: "shared_key",
      },
    }),
    origin: () => new URL(azurite.serviceUrl).origin,
    bytesOf: (container, name) => azurite.client.getContainerClient(container).getBlobClient(name).downloadToBuffer(),
    namesIn: async (container) =>
      (await azurite.inventory(container)).map((line) => line.slice(1, line.lastIndexOf(" "))),
    countParts: () => {
      const count = front.counts().PutBlock ?? 0;
      front.clear();
      return count;
    },
    missing: {
      parameters: { container: "not-there" },
      message: /the container not-there can't be used: .*create the container/,
    },
    secret: () => azurite.key,
  });

  describePeers("with real clients", ["azurite", "nginx", "skopeo"], () => {
    it(
      "that push to three replicas in turn and are redirected to the container",
      async () => {
        const azure = azureParameters(front, await azurite.newContainer());
        const cluster = own(await startCluster(3, { storage: { azure } }));
        const folder = own(await makeTemporaryFolder("azure-clients")).path;
        const layout = join(folder, "layout");
        await writeLayout(layout, { single: makeImage("oci", { bulk: 24 * MIB }) });
        const copy = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
        const name = `docker://${cluster.host}/team/app:1`;
        await run("skopeo", [...copy, `oci:${layout}:single`, name]);
        await run("skopeo", [...copy, name, `dir:${folder}/copied`]);
        await run("skopeo", [...copy, name, `${name}-again`]);
      },
      SLOW,
    );
  });
});
