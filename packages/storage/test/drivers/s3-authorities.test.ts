import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { startStandIn, type StandIn } from "@longshore/testkit/s3/server";
import { trustedContext } from "../../src/drivers/s3/authorities.js";
import { chooseDriver } from "../../src/drivers/factory.js";
import { createS3Driver } from "../../src/drivers/s3/driver.js";
import { parseS3Options } from "./s3-subject.js";

const run = promisify(execFile);

describe("an S3 service with a certificate from an authority that Node doesn't know", () => {
  let server: StandIn;
  let tls: Server;
  let folder: string;
  let remove: () => Promise<void>;
  let authority: string;
  let parameters: Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    server = await startStandIn();
    const directory = await makeTemporaryFolder("storage");
    folder = directory.path;
    remove = directory.remove;
    authority = join(folder, "authority.pem");
    const key = join(folder, "key.pem");
    const subject = ["-subj", "/CN=internal", "-addext", "subjectAltName=IP:127.0.0.1"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    await run("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", authority, ...subject]);
    const { port } = new URL(server.endpoint);
    tls = createServer({ key: await readFile(key), cert: await readFile(authority) }, (message, response) => {
      const { method, url: path, rawHeaders: headers } = message;
      const onward = request({ host: "127.0.0.1", port, method, path, headers, setHost: false }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(response);
      });
      message.pipe(onward);
    });
    await once(tls.listen(0, "127.0.0.1"), "listening");
    const address = tls.address();
    parameters = {
      regionendpoint: `https://127.0.0.1:${address instanceof Object ? address.port : 0}`,
      region: server.region,
      accesskey: server.accessKey,
      secretkey: server.secretKey,
      bucket: await server.newBucket(),
      maxattempts: 1,
    };
  });
  afterAll(async () => {
    tls.close();
    tls.closeAllConnections();
    await server.stop();
    await remove();
  });

  const writes = async (env: NodeJS.ProcessEnv, systemFiles: readonly string[] = []): Promise<string> => {
    const driver = createS3Driver(parseS3Options(parameters), { trusted: trustedContext(env, systemFiles) });
    try {
      await driver.write("/a", new TextEncoder().encode("x"));
      return "written";
    } catch (error) {
      return error instanceof Error && error.cause instanceof Error ? error.cause.message : "unknown";
    } finally {
      await driver.close();
    }
  };

  it("is trusted where Distribution trusts it", async () => {
    const nothing = join(folder, "nothing.pem");
    expect(await writes({})).toMatch(/SELF_SIGNED|self-signed/i);
    expect(await writes({}, [nothing, authority])).toBe("written");
    expect(await writes({ AWS_CA_BUNDLE: authority })).toBe("written");
    expect(await writes({ SSL_CERT_FILE: authority })).toBe("written");
    // The variable replaces the system's file.
    expect(await writes({ SSL_CERT_FILE: nothing }, [authority])).toMatch(/SELF_SIGNED|self-signed/i);
  });

  it("is refused at the start when the named authorities can't be read", async () => {
    const garbage = join(folder, "garbage.pem");
    await writeFile(garbage, "not a certificate");
    for (const AWS_CA_BUNDLE of [garbage, join(folder, "nothing.pem")]) {
      expect(() => trustedContext({ AWS_CA_BUNDLE }, [])).toThrow(
        `AWS_CA_BUNDLE: ${AWS_CA_BUNDLE} holds no certificates`,
      );
    }
    expect(trustedContext({ SSL_CERT_FILE: garbage }, [])).toBeUndefined();
  });

  it("is trusted by a driver from the configuration, which reads no certificates if there are none", async () => {
    const before = process.env["AWS_CA_BUNDLE"];
    try {
      process.env["AWS_CA_BUNDLE"] = authority;
      const driver = await chooseDriver("s3", parameters).open();
      await driver.write("/b", new TextEncoder().encode("x"));
      await driver.close();
      process.env["AWS_CA_BUNDLE"] = join(folder, "nothing.pem");
      await (await chooseDriver("s3", { ...parameters, regionendpoint: server.endpoint }).open()).close();
      await (await chooseDriver("s3", { ...parameters, skipverify: true }).open()).close();
      await expect(chooseDriver("s3", parameters).open()).rejects.toThrow("AWS_CA_BUNDLE");
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, "AWS_CA_BUNDLE");
      else process.env["AWS_CA_BUNDLE"] = before;
    }
  });
});
