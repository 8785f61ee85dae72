import { errnoOf } from "@longshore/base/errno";
import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { getSignedUrl } from "@aws-sdk/cloudfront-signer";
import { canRedirect, type RedirectRequest, type StorageDriver } from "../../contract/driver.js";
import { hasObjectKeys } from "../../contract/object-storage.js";
import { DriverParameterError } from "../shared/errors.js";
import { openAwsClients, type AwsClientList } from "./aws-clients.js";
import type { CloudfrontOptions } from "./cloudfront-options.js";
import type { MiddlewarePorts } from "./kind.js";
import { redirecting } from "./redirecting.js";

/**
 * Sends clients to `<baseurl><object key>` with a signature for a limited time (canned policy), those in AWS, if so asked, to
 * S3 itself. For S3 only; over another driver it warns and changes nothing (wire contract §6.7). Throws DriverParameterError for a
 * private key that can't be used.
 */
export async function openCloudfront(
  driver: StorageDriver,
  options: CloudfrontOptions,
  ports: MiddlewarePorts,
): Promise<StorageDriver> {
  if (!hasObjectKeys(driver)) {
    ports.warn(`cloudfront: has no effect, since it doesn't support the storage driver ${driver.name}`);
    return driver;
  }
  const privateKey = await readPrivateKey(options.privatekey);
  const base = options.baseurl.endsWith("/") ? options.baseurl : `${options.baseurl}/`;
  const { awsClients } = options;
  const list = awsClients && {
    url: options.iprangesurl,
    regions: awsClients.regions,
    interval: options.updatefrequency,
  };
  const clients = list && openAwsClients(list, ports);
  return redirecting(driver, {
    redirectUrl: async (path, request, call) => {
      if (canRedirect(driver) && isIn(clients, request)) return driver.redirectUrl(path, request, call);
      return getSignedUrl({
        url: `${base}${encodeKey(driver.objectKey(path))}`,
        keyPairId: options.keypairid,
        privateKey,
        dateLessThan: Date.now() + options.duration,
      });
    },
    close: async () => clients?.close(),
  });
}

function isIn(clients: AwsClientList | undefined, { clientAddress }: RedirectRequest): boolean {
  return clients !== undefined && clientAddress !== undefined && clients.has(clientAddress);
}

/** The signature covers the URL as the client sends it. */
function encodeKey(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/");
}

/** The RSA key at `path`, in PEM. Throws DriverParameterError if it can't be used. */
export async function readPrivateKey(path: string): Promise<string> {
  const refuse = (reason: string): DriverParameterError =>
    new DriverParameterError("cloudfront", "privatekey", `${path} ${reason}`);
  const pem = await readFile(path, "utf8").catch((error: unknown) => {
    const code = errnoOf(error) ?? "unreadable";
    throw refuse(`can't be read (${code})`);
  });
  let type: string | undefined;
  try {
    type = createPrivateKey(pem).asymmetricKeyType;
  } catch {
    throw refuse("holds no private key; expected an RSA key in PEM without a passphrase");
  }
  if (type !== "rsa") throw refuse(`holds a key of type ${String(type)}; CloudFront takes RSA keys here`);
  return pem;
}
