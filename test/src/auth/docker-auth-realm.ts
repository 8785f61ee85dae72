import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@longshore/testkit/loopback";
import { startDaemon } from "@longshore/testkit/processes";
import { PROGRAM } from "@longshore/testkit/project";
import { stringify } from "yaml";
import type { Site } from "../clients/site.js";
import { createIdentities } from "../server/certificates.js";

/** The users and rules of a file for docker_auth. */
interface DockerAuthRules {
  readonly users: object;
  readonly acl: readonly object[];
}

/** Starts `registry token-server` with such a file; says the section `auth` of the registries that trust it. */
export async function startDockerAuthRealm(
  folder: string,
  own: Site["own"],
  { users, acl }: DockerAuthRules,
): Promise<object> {
  const { server } = await createIdentities();
  const at = (name: string) => join(folder, name);
  await writeFile(at("token.pem"), server.certificate);
  await writeFile(at("token.key"), server.key);
  const address = `127.0.0.1:${await freePort()}`;
  const issuer = "Acme auth server";
  const file = {
    server: { addr: address },
    token: { issuer, expiration: 900, certificate: at("token.pem"), key: at("token.key") },
    users,
    acl,
  };
  await writeFile(at("auth_config.yml"), stringify(file));
  const tokens = await startDaemon(process.execPath, [PROGRAM, "token-server", at("auth_config.yml")], {
    ready: (output) => output.includes("listening on"),
  });
  own({ [Symbol.asyncDispose]: async () => void (await tokens.stop()) });
  const realm = `http://${address}/auth/token`;
  return { token: { realm, service: "Docker registry", issuer, rootcertbundle: at("token.pem") } };
}
