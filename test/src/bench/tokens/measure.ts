import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { request } from "undici";
import type { Pace } from "../compare.js";
import { runWrk, runWrkLatency, type WrkOptions } from "../generate.js";
import { median } from "../median.js";
import { cpuSeconds } from "../process-tree.js";
import type { Launcher } from "../servers.js";
import { basic, SCOPE, SERVICE, startTokenSite, type TokenSite } from "./site.js";

/** Requests a second that one core answers are to be as many. */
export const RATE_AIM = 2000;

const CONNECTIONS = 16;
const WARM_UP_SECONDS = 3;

/** Logins that are under way while others are measured. */
const WRONG_PASSWORDS = 50;
const HANGING_LOGINS = 50;

/** One way of asking for a token: medians of the rounds. */
interface TokenRate {
  readonly name: string;
  /** Requests a second, as the load generator saw them. */
  readonly rate: number;
  /** Seconds of the registry's CPU time for each. */
  readonly cpu: number;
}

/** What others wait for meanwhile: p99 in milliseconds. */
interface TokenDelay {
  readonly name: string;
  readonly quiet: number;
  readonly hashing: number;
  readonly hanging: number;
}

export interface TokenReport {
  readonly rates: readonly TokenRate[];
  readonly delays: readonly TokenDelay[];
}

type Load = Omit<WrkOptions, "connections" | "seconds"> & { readonly name: string };

function loadsOf({ target, password, personal, refreshToken }: TokenSite): readonly Load[] {
  const url = `${target.origin}/auth/token?service=${SERVICE}&scope=${SCOPE}`;
  const form = { grant_type: "refresh_token", refresh_token: refreshToken, service: SERVICE, scope: SCOPE };
  return [
    { name: "GET with Basic, warm cache", url, headers: [`Authorization: ${password}`] },
    { name: "GET with a personal access token", url, headers: [`Authorization: ${personal}`] },
    {
      name: "GET without a login",
      url: `${target.origin}/auth/token?service=${SERVICE}&scope=repository:public/app:pull`,
    },
    {
      name: "POST with a refresh token",
      url: `${target.origin}/auth/token`,
      form: new URLSearchParams(form).toString(),
    },
  ];
}

/** Measures a token server of one process. */
export async function measureTokens(launcher: Launcher, folder: string, pace: Pace): Promise<TokenReport> {
  await using site = await startTokenSite(launcher, join(folder, "tokens"));
  const loads = loadsOf(site);
  const samples = new Map<string, { readonly rate: number; readonly cpu: number }[]>();
  for (const load of loads) await runWrk({ ...load, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
  for (let round = 0; round < pace.rounds; round += 1) {
    for (const load of loads) {
      const before = await cpuSeconds(site.target.pid);
      const { operations, seconds } = await runWrk({ ...load, connections: CONNECTIONS, seconds: pace.seconds });
      const cpu = ((await cpuSeconds(site.target.pid)) - before) / operations;
      samples.set(load.name, [...(samples.get(load.name) ?? []), { rate: operations / seconds, cpu }]);
    }
  }
  const rates = [...samples].map(([name, all]) => ({
    name,
    rate: median(all.map(({ rate }) => rate)),
    cpu: median(all.map(({ cpu }) => cpu)),
  }));
  return { rates, delays: await measureDelays(site, loads, pace.seconds) };
}

/** Few enough to wait for nothing but what is measured. */
const QUIET_CONNECTIONS = 4;

async function measureDelays(site: TokenSite, loads: readonly Load[], seconds: number): Promise<readonly TokenDelay[]> {
  const [cached] = loads;
  if (cached === undefined) return [];
  const checked = { name: "GET /v2/ with a token", url: `${site.target.origin}/v2/` };
  const token = await tokenOf(site);
  const measured = [{ ...checked, headers: [`Authorization: Bearer ${token}`] }, cached];
  const delays: TokenDelay[] = [];
  for (const { name, ...load } of measured) {
    const p99 = async (): Promise<number> =>
      (await runWrkLatency({ ...load, connections: QUIET_CONNECTIONS, seconds })).p99;
    const quiet = await p99();
    const hashing = await meanwhile(site, WRONG_PASSWORDS, (attempt) => basic("bench", `wrong ${attempt}`), p99);
    const hanging = await meanwhile(site, HANGING_LOGINS, (attempt) => basic(`person-${attempt}`, "x"), p99);
    delays.push({ name, quiet, hashing, hanging });
  }
  return delays;
}

/** How often each of them tries at most (ms): they are to occupy what verifies them, and not the network. */
const PACE = 500;

/** Keeps `count` logins under way while `work` is done. */
async function meanwhile<T>(
  site: TokenSite,
  count: number,
  authorization: (attempt: number) => string,
  work: () => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  let attempts = 0;
  const logIn = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      attempts += 1;
      const headers = { authorization: authorization(attempts) };
      const url = `${site.target.origin}/auth/token?service=${SERVICE}`;
      const answered = request(url, { headers, signal: stop.signal }).then(({ body }) => body.dump());
      await Promise.allSettled([answered, delay(PACE, undefined, { signal: stop.signal })]);
    }
  };
  const clients = Array.from({ length: count }, logIn);
  await delay(1000);
  try {
    return await work();
  } finally {
    stop.abort();
    await Promise.all(clients);
  }
}

async function tokenOf({ target, password }: TokenSite): Promise<string> {
  const { body } = await request(`${target.origin}/auth/token?service=${SERVICE}`, {
    headers: { authorization: password },
  });
  const answer: unknown = await body.json();
  if (typeof answer === "object" && answer !== null && "token" in answer) return String(answer.token);
  throw new Error("the token server issued no token");
}
