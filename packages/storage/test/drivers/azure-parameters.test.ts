import { describe, expect, it } from "vitest";
import { chooseDriver } from "../../src/drivers/factory.js";
import { parseAzureOptions } from "./azure-subject.js";

const MIB = 1024 * 1024;
const ACCOUNT = { accountname: "account", container: "images" };
const KEY = { ...ACCOUNT, accountkey: "c2VjcmV0" };

describe("the Azure driver's parameters", () => {
  it("have Distribution's defaults, and ours", () => {
    expect(parseAzureOptions(KEY)).toMatchObject({
      ...{ accountname: "account", container: "images", serviceurl: "https://account.blob.core.windows.net" },
      ...{ login: { by: "key", key: "c2VjcmV0" }, rootdirectory: "", skipverify: false },
      ...{ attempts: 6, firstpause: 100, chunksize: 10 * MIB, uploadbuffers: 128 * MIB, redirectexpiry: 1_200_000 },
      ...{ requesttimeout: 30_000, retrydeadline: 60_000, circuitthreshold: 20 },
    });
  });

  it("name the service, and how the registry logs in", () => {
    expect(parseAzureOptions({ ...KEY, realm: "core.chinacloudapi.cn" }).serviceurl).toBe(
      "https://account.blob.core.chinacloudapi.cn",
    );
    expect(parseAzureOptions({ ...KEY, serviceurl: "http://127.0.0.1:10000/account/" }).serviceurl).toBe(
      "http://127.0.0.1:10000/account",
    );
    for (const type of ["default_credentials", "default"]) {
      expect(parseAzureOptions({ ...KEY, credentials: { type } }).login).toEqual({ by: "environment" });
    }
    const credentials = { type: "client_secret", clientid: "c", tenantid: "t", secret: "s" };
    expect(parseAzureOptions({ ...ACCOUNT, credentials }).login).toEqual({
      ...{ by: "client-secret", clientId: "c", tenantId: "t", secret: "s" },
    });
    expect(parseAzureOptions({ ...KEY, credentials: { type: "shared_key" } }).login).toMatchObject({ by: "key" });
  });

  it.each([
    [0, 6],
    [-1, 1],
    [9, 10],
  ])("max_retries %i means %i attempts", (given, attempts) => {
    expect(parseAzureOptions({ ...KEY, max_retries: given }).attempts).toBe(attempts);
  });

  it.each<readonly [unknown, string, RegExp]>([
    [{ container: "c", accountkey: "a2V5" }, "accountname", /no accountname/],
    [{ accountname: "a", accountkey: "a2V5" }, "container", /no container/],
    [ACCOUNT, "accountkey", /no accountkey .*client_secret or default_credentials/],
    [{ ...ACCOUNT, accountkey: "not base64!" }, "accountkey", /in base64/],
    [
      { ...ACCOUNT, credentials: { type: "client_secret", clientid: "c" } },
      "credentials",
      /needs clientid, tenantid and/,
    ],
    [{ ...KEY, credentials: { type: "other" } }, "credentials.type", /Invalid option/],
    [{ ...KEY, serviceurl: "ftp://x" }, "serviceurl", /should be a URL/],
    [{ ...KEY, chunksize: 5 }, "chunksize", /Invalid/],
  ])("%o is refused", (given, option, message) => {
    const choose = (): unknown => chooseDriver("azure", given);
    expect(choose).toThrow(message);
    expect(choose).toThrow(expect.objectContaining({ name: "DriverParameterError", parameter: option }));
    expect(choose).not.toThrow("not base64!");
  });

  it("are warned of where they have no effect, and the identity holds no secret", () => {
    const chosen = chooseDriver("azure", {
      ...KEY,
      connectionstring: "x",
      legacyrootprefix: true,
      rootdirectory: "/r",
    });
    expect(chosen.remarks.map(({ path }) => path)).toEqual([["connectionstring"], ["legacyrootprefix"]]);
    expect(chosen.identity).toBe('["https://account.blob.core.windows.net","images","r"]');
  });
});
