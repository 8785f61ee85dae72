import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import bcrypt from "bcryptjs";
import type { Pace } from "../compare.js";
import { createFixtures, MANIFEST_TYPE, pushImage } from "../fixtures.js";
import { runWrk, runWrkLatency } from "../generate.js";
import { cpuSeconds } from "../process-tree.js";
import { start, type Launcher, type Target } from "../servers.js";
import { startGuessers, type Attempts } from "./guessers.js";
import { ISSUER, issueToken, SERVICE } from "./issuer.js";
import { startAuthorised } from "./push.js";
import { median } from "../median.js";

const REPOSITORY = "bench/image";
const PATH = `/v2/${REPOSITORY}/manifests/latest`;
const CONNECTIONS = 16;
const WARM_UP_SECONDS = 3;
const USER = "bench";
const PASSWORD = "bench password";
/** What `htpasswd -B` users are advised to use, and Distribution's own. */
const COST = 10;

/** One way of asking who it is. */
interface Scheme {
  readonly name: string;
  /** The rate with it is to be at least this part of the rate without. */
  readonly aim: number;
}

/** Manifest GETs a second, and the CPU time of the registry's processes for each: medians of the rounds. */
export interface Cost {
  readonly rate: number;
  readonly cpu: number;
}

interface SchemeRates extends Scheme {
  readonly ours: Cost;
  readonly theirs: Cost;
}

export interface AuthReport {
  readonly withoutAuth: { readonly ours: Cost; readonly theirs: Cost };
  readonly schemes: readonly SchemeRates[];
  /** p99 of authorised pulls, in milliseconds, by registry. */
  readonly attacks: readonly {
    readonly name: string;
    readonly quiet: number;
    readonly attacked: number;
    readonly attempts: Attempts;
  }[];
}

interface Contender {
  readonly scheme: Scheme | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

/** Measures both registries with each scheme in alternating rounds. */
export async function measureAuth(
  launchers: { readonly theirs: Launcher; readonly ours: Launcher },
  folder: string,
  pace: Pace,
): Promise<AuthReport> {
  const contenders = await prepare(folder);
  const samples = new Map<string, Cost[]>();
  for (let round = 0; round < pace.rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      for (const launcher of round % 2 === 0
        ? [launchers.theirs, launchers.ours]
        : [launchers.ours, launchers.theirs]) {
        const rate = await measureRate(launcher, join(folder, `${index}-${round}`), contender, pace.seconds);
        const key = `${launcher.name} ${contender.scheme?.name ?? ""}`;
        samples.set(key, [...(samples.get(key) ?? []), rate]);
      }
    }
  }
  const rate = (launcher: Launcher, scheme?: Scheme): Cost => {
    const all = samples.get(`${launcher.name} ${scheme?.name ?? ""}`) ?? [];
    return { rate: median(all.map((sample) => sample.rate)), cpu: median(all.map((sample) => sample.cpu)) };
  };
  const schemes = contenders.map(({ scheme }) => scheme).filter((scheme) => scheme !== undefined);
  const [, htpasswd] = contenders;
  return {
    withoutAuth: { ours: rate(launchers.ours), theirs: rate(launchers.theirs) },
    schemes: schemes.map((scheme) => ({
      ...scheme,
      ours: rate(launchers.ours, scheme),
      theirs: rate(launchers.theirs, scheme),
    })),
    attacks:
      htpasswd === undefined
        ? []
        : [
            await measureAttack(launchers.ours, join(folder, "attack"), htpasswd, pace.seconds),
            await measureAttack(launchers.theirs, join(folder, "attack"), htpasswd, pace.seconds),
          ],
  };
}

async function prepare(folder: string): Promise<readonly Contender[]> {
  const passwords = join(folder, "htpasswd");
  await writeFile(passwords, `${USER}:${await bcrypt.hash(PASSWORD, COST)}\n`);
  const tokens = (["RS256", "ES256"] as const).map(async (algorithm): Promise<Contender> => {
    const { token, certificate } = await issueToken(algorithm, REPOSITORY);
    const bundle = join(folder, `${algorithm}.pem`);
    await writeFile(bundle, certificate);
    return {
      scheme: { name: `token, ${algorithm}`, aim: 0.7 },
      environment: {
        REGISTRY_AUTH_TOKEN_REALM: "https://auth.example/token",
        REGISTRY_AUTH_TOKEN_SERVICE: SERVICE,
        REGISTRY_AUTH_TOKEN_ISSUER: ISSUER,
        REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE: bundle,
      },
      authorization: `Bearer ${token}`,
    };
  });
  return [
    { scheme: undefined, environment: {}, authorization: undefined },
    {
      scheme: { name: `htpasswd, cost ${COST}`, aim: 0.8 },
      environment: { REGISTRY_AUTH_HTPASSWD_REALM: "bench", REGISTRY_AUTH_HTPASSWD_PATH: passwords },
      authorization: `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`,
    },
    ...(await Promise.all(tokens)),
  ];
}

/** A registry with the image in it, and the headers that a pull needs. */
async function open(
  launcher: Launcher,
  folder: string,
  { environment, authorization }: Contender,
): Promise<{ readonly target: Target; readonly headers: readonly string[] }> {
  await mkdir(folder, { recursive: true });
  const target = await start(launcher, folder, environment);
  await using push = await startAuthorised(target, authorization);
  await pushImage(push, REPOSITORY, "latest", createFixtures());
  const headers = [`Accept: ${MANIFEST_TYPE}`];
  return { target, headers: authorization === undefined ? headers : [...headers, `Authorization: ${authorization}`] };
}

async function measureRate(launcher: Launcher, folder: string, contender: Contender, seconds: number): Promise<Cost> {
  const { target, headers } = await open(launcher, folder, contender);
  try {
    const load = { url: target.origin + PATH, connections: CONNECTIONS, headers };
    // Over as many connections, so that every worker has had its first requests; Distribution may not answer any in this.
    await runWrkLatency({ ...load, seconds: WARM_UP_SECONDS });
    const before = await cpuSeconds(target.pid);
    const { operations, seconds: took } = await runWrk({ ...load, seconds });
    return { rate: operations / took, cpu: ((await cpuSeconds(target.pid)) - before) / operations };
  } finally {
    await target[Symbol.asyncDispose]();
  }
}

/** Half the connections of the other loads: what is measured is the wait behind guessers, not behind each other. */
const QUIET_CONNECTIONS = 4;

async function measureAttack(
  launcher: Launcher,
  folder: string,
  contender: Contender,
  seconds: number,
): Promise<AuthReport["attacks"][number]> {
  const { target, headers } = await open(launcher, folder, contender);
  try {
    const load = { url: target.origin + PATH, connections: QUIET_CONNECTIONS, headers };
    await runWrkLatency({ ...load, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
    const quiet = await runWrkLatency({ ...load, seconds });
    const guessers = await startGuessers(target.origin, PATH);
    await delay(1000);
    const attacked = await runWrkLatency({ ...load, seconds });
    return { name: target.name, quiet: quiet.p99, attacked: attacked.p99, attempts: await guessers.stop() };
  } finally {
    await target[Symbol.asyncDispose]();
  }
}
