import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll } from "vitest";
import { dockerArchive, makeImage, writeLayout, type Image } from "../clients/images.js";
import { SLOW, useResources, type Site } from "../clients/site.js";
import { createIdentities, type TestIdentities } from "../server/certificates.js";
import { serveRegistry, type ServedRegistry } from "../server/process.js";
import { run } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";

/** Users of the client suites; their lines are written by the real `htpasswd`. */
export const USERS = { alice: "correct horse", bob: "s3cret:with:colons", eve: "pässwörd" } as const;

/** What a suite of real clients against a registry with passwords works with. */
export interface AuthSite {
  readonly registry: ServedRegistry;
  readonly identities: TestIdentities;
  /** `<address>:<port>` */
  readonly host: string;
  readonly folder: string;
  /** The authority's certificate as a file, and alone in a folder as `ca.crt`. */
  readonly authority: string;
  readonly certificates: string;
  /** An OCI layout with the image under the tag `single`. */
  readonly layout: string;
  /** An archive for `docker load`, tagged `fixture:1`. */
  readonly archive: Buffer;
  readonly image: Image;
  readonly own: Site["own"];
}

export interface AuthSiteOptions {
  readonly rest?: Readonly<Record<string, unknown>>;
  readonly http?: Readonly<Record<string, unknown>>;
  /** The address to serve on; loopback's where absent. */
  readonly address?: string;
  /** Without: in the clear, for a proxy in front. */
  readonly tls?: boolean;
}

/** Makes the password file with apache2-utils' program: bcrypt at cost 5. */
export async function writePasswords(path: string): Promise<void> {
  for (const [index, [user, password]] of Object.entries(USERS).entries()) {
    const flags = index === 0 ? ["-B", "-b", "-c", "-C", "5"] : ["-B", "-b", "-C", "5"];
    await run("htpasswd", [...flags, path, user, password]);
  }
}

/** Opens the site before the suite's tests and closes it after them, however they end. */
export function useAuthSite(name: string, options: AuthSiteOptions = {}): () => AuthSite {
  const own = useResources();
  let site: AuthSite | undefined;

  beforeAll(async () => {
    const folder = own(await makeTemporaryFolder(name)).path;
    const address = options.address ?? "127.0.0.1";
    const identities = await createIdentities(address);
    await writePasswords(join(folder, "htpasswd"));
    const certificates = join(folder, "certs");
    await mkdir(certificates);
    await writeFile(join(certificates, "ca.crt"), identities.authority);
    const registry = own(
      await serveRegistry({
        http: {
          addr: `${address}:0`,
          ...(options.tls === false ? {} : { tls: { certificate: "FOLDER/cert.pem", key: "FOLDER/key.pem" } }),
          ...options.http,
        },
        rest: { auth: { htpasswd: { realm: "Registry Realm", path: join(folder, "htpasswd") } }, ...options.rest },
        files: { "cert.pem": identities.server.certificate, "key.pem": identities.server.key },
      }),
    );
    const image = makeImage("docker", { bulk: 200_000 });
    const layout = join(folder, "layout");
    await writeLayout(layout, { single: makeImage("oci", { bulk: 200_000 }) });
    site = {
      registry,
      identities,
      folder,
      certificates,
      layout,
      image,
      own,
      host: `${address}:${registry.port}`,
      authority: join(certificates, "ca.crt"),
      archive: dockerArchive(image, "fixture:1"),
    };
  }, SLOW);

  return () => {
    if (site === undefined) throw new Error(`the ${name} suite's registry is not open`);
    return site;
  };
}
