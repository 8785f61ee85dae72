import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startAzurite, type Azurite } from "@longshore/testkit/azure/azurite";
import { run } from "@longshore/testkit/processes";
import { collectBytes } from "@longshore/testkit/streams";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describePeers } from "@longshore/testkit/peers";
import { createAzureDriver } from "../../src/drivers/azure/driver.js";
import { systemAuthorities } from "../../src/drivers/objects/authorities.js";
import { parseAzureOptions } from "./azure-subject.js";

const MIB = 1024 * 1024;

/** A token as a directory gives it. Azurite looks at what it says, but not at its signature. */
function makeToken(): string {
  const now = Math.floor(Date.now() / 1000);
  const tid = "ab1f708d-50f6-404c-a006-d71b2ac7a606";
  const times = { nbf: now - 60, iat: now - 60, exp: now + 3600 };
  const claims = {
    aud: "https://storage.azure.com",
    iss: `https://sts.windows.net/${tid}/`,
    ...times,
    oid: "an-identity",
    tid,
  };
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}.${Buffer.from("none").toString("base64url")}`;
}

describePeers(
  "the Azure driver with tokens of a directory, over TLS with a certificate that Node doesn't know",
  ["azurite"],
  () => {
    let azurite: Azurite;
    let certificate: string;
    let remove: () => Promise<void>;

    beforeAll(async () => {
      const folder = await makeTemporaryFolder("azure");
      remove = folder.remove;
      certificate = join(folder.path, "certificate.pem");
      const key = join(folder.path, "key.pem");
      const subject = ["-subj", "/CN=azurite", "-addext", "subjectAltName=IP:127.0.0.1"];
      const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
      await run("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", certificate, ...subject]);
      azurite = await startAzurite({ certificate, key });
    });
    afterAll(async () => {
      await azurite.stop();
      await remove();
    });

    const open = async (getToken: () => string | undefined) => {
      const options = parseAzureOptions({
        accountname: azurite.account,
        container: await azurite.newContainer(),
        serviceurl: azurite.serviceUrl,
        credentials: { type: "default_credentials" },
        max_retries: -1,
      });
      const expiresOnTimestamp = Date.now() + 3_600_000;
      const credential = {
        getToken: () => {
          const token = getToken();
          return Promise.resolve(token === undefined ? null : { token, expiresOnTimestamp });
        },
      };
      return createAzureDriver(options, { credential, trusted: systemAuthorities({ SSL_CERT_FILE: certificate }) });
    };

    it("reads, writes, copies, and signs addresses with a key that it gets for its identity", async () => {
      const driver = await open(makeToken);
      const bytes = randomBytes(12 * MIB);
      const writer = await driver.writer("/u");
      await writer.write(Buffer.from(bytes));
      await writer.commit();
      await driver.compose([{ path: "/u", size: bytes.length }], "/copy");
      expect(Buffer.compare(await collectBytes(await driver.open("/copy")), bytes)).toBe(0);
      const url = (await driver.redirectUrl("/copy", { method: "GET" })) ?? "";
      expect(new URL(url).searchParams.get("skoid")).toBe("an-identity");
      const asked = request(url, { ca: await readFile(certificate) }).end();
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        asked.once("response", resolve).once("error", reject);
      });
      expect(answer.statusCode).toBe(200);
      expect(Buffer.compare(await collectBytes(answer), bytes)).toBe(0);
      await driver.close();
    });

    it("says what to do without a token, and with one that isn't accepted", async () => {
      for (const token of [undefined, "nonsense"]) {
        const driver = await open(() => token);
        await expect(driver.read("/a")).rejects.toMatchObject({ fault: { code: "DRIVER_ERROR" } });
        await driver.close();
      }
    });
  },
);
