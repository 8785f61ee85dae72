import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Result } from "@longshore/testkit/processes";
import { NEWER } from "@longshore/testkit/programs";
import { homes, type Login } from "./matrix-clients.js";

/** A real client that signs what is in a registry without TLS on loopback. */
export interface MatrixSigner {
  login(host: string, login: Login): Promise<Result>;
  /** Each call is made as `login`, or as a client that never logged in; `reference` is by digest. */
  sign(reference: string, login: Login | undefined): Promise<Result>;
  verify(reference: string, login: Login | undefined): Promise<Result>;
}

/** The signers by name. */
export const SIGNERS = ["cosign", "notation"] as const;

/** Makes their keys, in folders of their own below `folder`. */
export async function prepareSigners(
  folder: string,
): Promise<Readonly<Record<(typeof SIGNERS)[number], MatrixSigner>>> {
  return { cosign: await cosignSigner(folder), notation: await notationSigner(folder) };
}

async function cosignSigner(folder: string): Promise<MatrixSigner> {
  const keys = join(folder, "cosign");
  await mkdir(keys);
  const cosign = (home: string, ...args: string[]) =>
    NEWER.attempt("cosign", args, { cwd: keys, env: { COSIGN_PASSWORD: "of the key", DOCKER_CONFIG: home } });
  await cosign(keys, "generate-key-pair");
  const http = "--allow-http-registry";
  const logIn = (home: string, host: string, { account, password }: Login) =>
    cosign(home, "login", host, `--username=${account}`, `--password=${password}`);
  const homeFor = homes(folder, "cosign", logIn);
  return {
    login: (host, who) => logIn(join(keys, "other"), host, who),
    async sign(reference, who) {
      const alone = ["--use-signing-config=false", "--tlog-upload=false", "--yes"];
      return cosign(await homeFor(reference, who), "sign", http, "--key=cosign.key", ...alone, reference);
    },
    async verify(reference, who) {
      const alone = "--insecure-ignore-tlog";
      return cosign(await homeFor(reference, who), "verify", http, "--key=cosign.pub", alone, reference);
    },
  };
}

/** Keeps the password of one login in a file, as helpers of Docker keep those of many in the system's store. */
const CREDENTIAL_HELPER = `#!/bin/sh
case $1 in
store) cat >"$CREDENTIALS" ;;
get) cat "$CREDENTIALS" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm -f "$CREDENTIALS" ;;
list) echo "{}" ;;
esac
`;
const SIGNER = "signer.example";

async function notationSigner(folder: string): Promise<MatrixSigner> {
  const at = (name: string) => join(folder, "notation", name);
  await mkdir(at("notation"), { recursive: true });
  await writeFile(at("docker-credential-file"), CREDENTIAL_HELPER);
  await chmod(at("docker-credential-file"), 0o755);
  const environment = (home: string) => ({
    XDG_CONFIG_HOME: at(""),
    DOCKER_CONFIG: home,
    CREDENTIALS: join(home, "login"),
    PATH: `/usr/sbin:/usr/bin:${at("")}`,
  });
  const notation = (home: string, ...args: string[]) => NEWER.attempt("notation", args, { env: environment(home) });
  await writeFile(at("notation/config.json"), JSON.stringify({ credsStore: "file" }));
  const policy = {
    name: "signed by the test",
    registryScopes: ["*"],
    signatureVerification: { level: "strict" },
    trustStores: [`ca:${SIGNER}`],
    trustedIdentities: ["*"],
  };
  await writeFile(at("notation/trustpolicy.json"), JSON.stringify({ version: "1.0", trustPolicies: [policy] }));
  await notation(at(""), "cert", "generate-test", "--default", SIGNER);
  const http = "--insecure-registry";
  const logIn = (home: string, host: string, { account, password }: Login) =>
    NEWER.attempt("notation", ["login", http, `--username=${account}`, "--password-stdin", host], {
      input: password,
      env: environment(home),
    });
  const homeFor = homes(folder, "notation", logIn);
  return {
    async login(host, who) {
      await mkdir(at("other"), { recursive: true });
      return logIn(at("other"), host, who);
    },
    sign: async (reference, who) => notation(await homeFor(reference, who), "sign", http, reference),
    verify: async (reference, who) => notation(await homeFor(reference, who), "verify", http, reference),
  };
}
