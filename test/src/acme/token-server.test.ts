import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describePeers } from "@longshore/testkit/peers";
import { startDaemon } from "@longshore/testkit/processes";
import { PROGRAM } from "@longshore/testkit/project";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { createIdentities } from "../server/certificates.js";
import { startPebble } from "./pebble.js";
import { HOST, IN_USE, shown } from "./serve.js";

describePeers("docker_auth's letsencrypt section", ["pebble"], () => {
  it("has the token server order its certificate, which a restart without a state folder finds again", async () => {
    await using pebble = await startPebble();
    await using folder = await makeTemporaryFolder("acme-token-server");
    const at = (name: string): string => join(folder.path, name);
    const { server } = await createIdentities();
    await writeFile(at("token.pem"), server.certificate);
    await writeFile(at("token.key"), server.key);
    await mkdir(at("cache"));
    await writeFile(
      at("auth.yml"),
      `server:
  addr: "127.0.0.1:${pebble.tlsPort}"
  letsencrypt: { email: someone@example.test, host: ${HOST}, cache_dir: ${at("cache")} }
token: { issuer: Test, expiration: 900, certificate: ${at("token.pem")}, key: ${at("token.key")} }
users: { "": {} }
acl: [{ match: { account: "" }, actions: [pull] }]
`,
    );
    const serials: (string | undefined)[] = [];
    for (let start = 0; start < 2; start += 1) {
      const daemon = await startDaemon(process.execPath, [PROGRAM, "token-server", at("auth.yml")], {
        env: {
          NODE_EXTRA_CA_CERTS: pebble.authority,
          // docker_auth's file can't name another authority.
          REGISTRY_HTTP_TLS_LETSENCRYPT_DIRECTORYURL: pebble.directory,
        },
        ready: (output) => output.includes(IN_USE) && output.includes("listening on"),
      });
      serials.push((await shown(pebble.tlsPort))?.serialNumber);
      await daemon.stop();
    }
    expect(serials[0]).toBeDefined();
    expect(serials[1]).toBe(serials[0]);
    expect(pebble.issued()).toBe(1);
  });
});
