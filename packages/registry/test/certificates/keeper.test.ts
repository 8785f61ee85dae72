import { DAY, HOUR, MINUTE } from "@longshore/base/duration";
import { createLeases } from "@longshore/mirror/leases";
import { createDriver, openRecords } from "@longshore/storage";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { OrderError } from "../../src/certificates/acme-library.js";
import { openCertificateCache } from "../../src/certificates/cache-directory.js";
import { openKeeper, type CertificateKeeper } from "../../src/certificates/keeper.js";
import { newKey } from "../../src/certificates/order.js";
import type { CertificatePair } from "../../src/certificates/pair.js";
import { openCertificateRecords } from "../../src/certificates/records.js";
import { silentLog } from "../../src/observability/log.js";
import { makePair } from "./identities.js";

const HOST = "registry.example";
const STAGING = "https://staging.example/dir";
const PRODUCTION = "https://ca.example/dir";

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
const opened: { close(): unknown }[] = [];
let time = Date.now();

beforeEach(async () => {
  folder = await makeTemporaryFolder("keeper");
  time = Date.now();
});
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
  await folder[Symbol.asyncDispose]();
});

type Order = (host: string, accountKey: string, signal: AbortSignal) => Promise<CertificatePair>;

interface Replica {
  readonly keeper: CertificateKeeper;
  /** What new connections get. */
  readonly shown: () => CertificatePair | undefined;
  readonly log: readonly string[];
  readonly records: ReturnType<typeof openCertificateRecords>;
}

/** A replica over the storage that all share, with a `cachefile` of its own; its authority is `order`. */
async function replica(
  order: Order,
  {
    directory = PRODUCTION,
    cachefile = join(folder.path, `cache-${opened.length}`),
    isAway = false,
    heard = (message: string): unknown => message,
  } = {},
): Promise<Replica> {
  const driver = await createDriver("filesystem", { rootdirectory: join(folder.path, "data") });
  opened.push(driver);
  const store = openRecords(driver);
  const records = openCertificateRecords(store);
  let shown: CertificatePair | undefined;
  const log: string[] = [];
  const say = (message: string): void => {
    log.push(message);
    heard(message);
  };
  const away = (): Promise<never> => Promise.reject(new Error("the storage is away"));
  const keeper = await openKeeper({
    config: { hosts: [HOST], directoryurl: directory, cachefile },
    records: isAway ? { ...records, readPair: away, keepPair: away, readAttempts: away } : records,
    leases: createLeases({ records: store, note: z.string() }),
    cache: await openCertificateCache(cachefile),
    order,
    newKey,
    use: ([pair]) => (shown = pair),
    log: { ...silentLog, error: say, info: say, warn: say },
    clock: () => time,
  });
  opened.push(keeper);
  return { keeper, shown: () => shown, log, records };
}

const settled = { timeout: 15_000 };

it("of replicas that start at once, one orders; all use what it got", async () => {
  let orders = 0;
  const order: Order = async () => {
    orders += 1;
    return makePair(HOST);
  };
  const replicas = await Promise.all(Array.from({ length: 6 }, () => replica(order)));
  for (const { keeper } of replicas) keeper.begin();
  await expect
    .poll(() => new Set(replicas.map(({ shown }) => shown()?.chain)), settled)
    .toSatisfy((chains: Set<string | undefined>) => chains.size === 1 && !chains.has(undefined));
  expect(orders).toBe(1);
});

it("the log speaks of a certificate when cachefile has it", async () => {
  const cachefile = join(folder.path, "cache");
  const wasThere: boolean[] = [];
  const heard = (message: string): void => {
    if (message.includes("valid until")) wasThere.push(existsSync(join(cachefile, HOST)));
  };
  const { keeper } = await replica(() => makePair(HOST), { cachefile, heard });
  keeper.begin();
  await expect.poll(() => wasThere, settled).toEqual([true]);
});

it("two that order all the same, because one stood still, agree on one certificate", async () => {
  const { records } = await replica(() => makePair(HOST));
  const [first, second] = [await makePair(HOST), await makePair(HOST)];
  const before = await records.readPair(HOST);
  const kept = await Promise.all(
    [first, second].map((pair) => records.keepPair({ pair, directory: PRODUCTION }, before)),
  );
  expect(new Set(kept.map((each) => each?.pair.chain)).size).toBe(1);
  // Nor does one that read long ago replace what has come since.
  const late = await records.keepPair({ pair: await makePair(HOST), directory: PRODUCTION }, before);
  expect(late?.pair.chain).toBe(kept[0]?.pair.chain);
});

it("an authority's time is kept to, across restarts and on SIGHUP; a refusal can be tried again on SIGHUP", async () => {
  let orders = 0;
  let wait: number | undefined = 3 * HOUR;
  const order: Order = () => {
    orders += 1;
    return Promise.reject(new OrderError("no", wait === undefined ? "refused" : "postponed", { wait }));
  };
  const first = await replica(order);
  first.keeper.begin();
  await expect.poll(() => first.log.some((line) => line.includes("the next attempt is at")), settled).toBe(true);
  expect(orders).toBe(1);
  first.keeper.reload();
  await first.keeper.close();
  const second = await replica(order);
  expect(second.keeper.states()).toEqual([{ host: HOST, expires: undefined, failures: 1 }]);
  second.keeper.begin();
  second.keeper.reload();
  await second.keeper.close();
  expect(orders).toBe(1);

  time += 3 * HOUR + MINUTE;
  wait = undefined;
  const third = await replica(order);
  third.keeper.begin();
  await expect.poll(() => third.log.some((line) => line.includes("the next attempt is at")), settled).toBe(true);
  expect(orders).toBe(2);
  third.keeper.reload();
  await expect.poll(() => orders, settled).toBe(3);
  await expect.poll(() => third.keeper.states()[0]?.failures, settled).toBe(3);
});

it("a clock that is wrong doesn't make one order follow the other", async () => {
  let orders = 0;
  const order: Order = () => {
    orders += 1;
    // Expired by our clock from the first moment on.
    return makePair(HOST, { from: time - 100 * DAY, until: time - 10 * DAY });
  };
  const { keeper, shown } = await replica(order);
  keeper.begin();
  await expect.poll(shown, settled).toBeDefined();
  keeper.reload();
  await keeper.close();
  expect(orders).toBe(1);
});

it("another directory means another certificate; until it is there, the one of before is used", async () => {
  const [old, next] = [await makePair(HOST), await makePair(HOST)];
  const first = await replica(() => Promise.resolve(old), { directory: STAGING });
  first.keeper.begin();
  await expect.poll(first.shown, settled).toEqual(old);
  await first.keeper.close();
  let release: (pair: CertificatePair) => void = () => undefined;
  const second = await replica(() => new Promise((resolve) => (release = resolve)));
  expect(second.shown()).toEqual(old);
  second.keeper.begin();
  await expect.poll(() => second.log.some((line) => line.includes("ordering one from ca.example")), settled).toBe(true);
  expect(second.shown()).toEqual(old);
  await expect.poll(() => (release(next), second.shown()?.chain), settled).toBe(next.chain);
});

it("what Distribution left is used, shared with the storage, and renewed when it is time", async () => {
  const cachefile = join(folder.path, "distribution");
  const old = await makePair(HOST, { from: time - 70 * DAY, until: time + 20 * DAY });
  await (await openCertificateCache(cachefile)).writePair(old);
  const next = await makePair(HOST);
  const first = await replica(() => Promise.resolve(next), { cachefile });
  expect(first.shown()).toEqual(old);
  expect((await first.records.readPair(HOST))?.pair).toEqual(old);
  first.keeper.begin();
  await expect.poll(() => first.shown()?.chain, settled).toBe(next.chain);
  await expect
    .poll(async () => (await (await openCertificateCache(cachefile)).readPair(HOST))?.chain, settled)
    .toBe(next.chain);
});

it("a storage that is away: what is in cachefile is used, and nothing is ordered", async () => {
  const cachefile = join(folder.path, "kept");
  const pair = await makePair(HOST);
  await (await openCertificateCache(cachefile)).writePair(pair);
  let orders = 0;
  const order: Order = () => {
    orders += 1;
    return makePair(HOST);
  };
  const { keeper, shown, log } = await replica(order, { cachefile, isAway: true });
  expect(shown()).toEqual(pair);
  keeper.begin();
  await expect
    .poll(() => log.some((line) => line.includes("the storage is asked again in a minute")), settled)
    .toBe(true);
  await keeper.close();
  expect(orders).toBe(0);
});

it("an end in the middle gives the lease up at once, and counts as an attempt", async () => {
  let isOrdering = false;
  const never: Order = (_host, _key, signal) => {
    isOrdering = true;
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
  };
  const first = await replica(never);
  first.keeper.begin();
  await expect.poll(() => isOrdering, settled).toBe(true);
  await first.keeper.close();
  const pair = await makePair(HOST);
  const second = await replica(() => Promise.resolve(pair));
  second.keeper.begin();
  await second.keeper.close();
  expect(second.shown()).toBeUndefined();
  time += 3 * MINUTE;
  const third = await replica(() => Promise.resolve(pair));
  third.keeper.begin();
  await expect.poll(third.shown, settled).toEqual(pair);
});
