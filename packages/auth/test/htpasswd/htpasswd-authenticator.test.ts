import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { testFolder } from "@longshore/testkit/test-folder";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { PasswordComparer } from "../../src/methods/htpasswd/bcrypt-pool.js";
import { htpasswdAuthenticator } from "../../src/methods/htpasswd/open-htpasswd.js";
import { htpasswdOptions } from "../../src/methods/htpasswd/htpasswd-options.js";
import { openPasswordFile } from "../../src/methods/htpasswd/password-file.js";
import { bcryptCost } from "../../src/methods/htpasswd/password-list.js";
import { failure, movableClock, recordingLog, request, SECRET } from "./support.js";

/** Accepts "secret" for every hash, and can delay its answers. */
function fakeComparer() {
  const compared: { password: string; cost: number | undefined }[] = [];
  const held: (() => void)[] = [];
  let holding = false;
  const comparer: PasswordComparer = {
    async compare(password, hash) {
      compared.push({ password, cost: bcryptCost(hash) });
      if (holding) await new Promise<void>((resolve) => held.push(resolve));
      return password === "secret" && !hash.endsWith(".".repeat(53));
    },
    close: () => Promise.resolve(),
  };
  return {
    comparer,
    compared,
    hold: () => void (holding = true),
    release: () => {
      holding = false;
      for (const go of held.splice(0)) go();
    },
  };
}

async function opened(text: string, options: object = {}) {
  const path = join(await testFolder(), "htpasswd");
  await writeFile(path, text);
  const clock = movableClock(Date.now());
  const ports = { log: recordingLog(), clock, secret: "s" };
  const file = await openPasswordFile({ path, ...ports });
  const fake = fakeComparer();
  const parsed = z.object(htpasswdOptions).parse({ realm: "r", path, workers: 1, ...options });
  const authenticator = htpasswdAuthenticator(parsed, file, ports, fake.comparer);
  const identify = async (credentials: string, address?: string) =>
    authenticator.identify(request(credentials, address));
  return { path, clock, ...fake, authenticator, identify };
}

const USERS = `jane:${SECRET.y}\njohn:${SECRET.a}\nold:{SHA}x\n`;
const identified = (account: string) => ({ outcome: "identified", identity: { account, labels: new Map() } });
const failed = (account: string | undefined) => expect.objectContaining({ outcome: "failed", account }) as unknown;

describe("Basic credentials", () => {
  it("are right, wrong, or absent", async () => {
    const { identify, authenticator } = await opened(USERS);
    expect(await identify("jane:secret")).toEqual(identified("jane"));
    expect(await identify("jane:Secret")).toEqual(failed("jane"));
    expect(await identify("nobody:secret")).toEqual(failed("nobody"));
    expect(await identify("old:secret")).toEqual(failed("old"));
    expect(await authenticator.identify(request())).toEqual({ outcome: "absent" });
  });

  it.each([
    ["", failed(undefined)],
    ["!!!", failed(undefined)],
    ["amFuZQ==", failed(undefined)],
    // The right credentials without the padding and with a stray character.
    ["amFuZTpzZWNyZXQ", failed(undefined)],
    ["amFuZTpzZWNyZXQ=!", failed(undefined)],
    [Buffer.from(":secret").toString("base64"), failed(undefined)],
    [Buffer.from(`${"j".repeat(2049)}:secret`).toString("base64"), failed(undefined)],
    [Buffer.from("ja\nne:secret").toString("base64"), failed(undefined)],
    [Buffer.from("jane\0:secret").toString("base64"), failed(undefined)],
    [Buffer.from("jane:secret\0").toString("base64"), failed(undefined)],
    [Buffer.from([0x6a, 0xff, 0x3a, 0x78]).toString("base64"), failed(undefined)],
  ])("that can't be read fail without a comparison: %j", async (encoded, expected) => {
    const { authenticator, compared } = await opened(USERS);
    const asked = { ...request(), headers: { authorization: `Basic ${encoded}` } };
    expect(await authenticator.identify(asked)).toEqual(expected);
    expect(compared).toEqual([]);
  });

  it.each(["basic", "BASIC", "Basic "])("are accepted in any case of the scheme: %s", async (scheme) => {
    const { authenticator } = await opened(USERS);
    const encoded = Buffer.from("jane:secret").toString("base64");
    const asked = { ...request(), headers: { authorization: `${scheme} ${encoded}` } };
    expect(await authenticator.identify(asked)).toEqual(identified("jane"));
  });

  it("may contain colons and letters of any script", async () => {
    const { authenticator, compared } = await opened(USERS);
    await authenticator.identify(request("jöhn:pä:ss😀"));
    expect(compared.map(({ password }) => password)).toEqual(["pä:ss😀"]);
    const bearer = { ...request(), headers: { authorization: "Bearer x" } };
    expect(await authenticator.identify(bearer)).toEqual({ outcome: "absent" });
  });
});

describe("a right password", () => {
  it("is compared once and cached for the configured time", async () => {
    const { identify, compared, clock, authenticator } = await opened(USERS, { cachettl: "60s" });
    await identify("jane:secret");
    await identify("jane:secret", "198.51.100.7");
    expect(authenticator.identify(request("jane:secret"))).toEqual(identified("jane"));
    expect(compared).toHaveLength(1);
    clock.advance(59_999);
    await identify("jane:secret");
    expect(compared).toHaveLength(1);
    clock.advance(1);
    await identify("jane:secret");
    expect(compared).toHaveLength(2);
  });

  it("is never cached if the time is 0", async () => {
    const { identify, compared } = await opened(USERS, { cachettl: 0 });
    await identify("jane:secret");
    await identify("jane:secret");
    expect(compared).toHaveLength(2);
  });

  it("isn't cached for other users, and a wrong one not at all", async () => {
    const { identify, compared } = await opened(USERS);
    await identify("jane:secret");
    expect(await identify("jane:wrong")).toEqual(failed("jane"));
    expect(await identify("jane:wrong")).toEqual(failed("jane"));
    expect(await identify("john:secret")).toEqual(identified("john"));
    expect(compared.filter(({ password }) => password === "wrong").length).toBeGreaterThanOrEqual(2);
  });

  it("is evicted when the user's line changes or is removed, and others aren't", async () => {
    const { identify, path, clock, compared } = await opened(USERS);
    await identify("jane:secret");
    await identify("john:secret");
    await writeFile(path, `john:${SECRET.a}\n`);
    clock.advance(1_000);
    expect(await identify("jane:secret")).toEqual(failed("jane"));
    const before = compared.length;
    expect(await identify("john:secret")).toEqual(identified("john"));
    expect(compared).toHaveLength(before);
    await writeFile(path, `john:${SECRET.b}\n`);
    clock.advance(1_000);
    await identify("john:secret");
    expect(compared).toHaveLength(before + 1);
  });

  it("is compared once for simultaneous connections", async () => {
    const { identify, compared, hold, release } = await opened(USERS);
    hold();
    const together = [identify("jane:secret"), identify("jane:secret"), identify("jane:secret")];
    await expect.poll(() => compared.length).toBe(1);
    release();
    expect(await Promise.all(together)).toEqual([identified("jane"), identified("jane"), identified("jane")]);
    expect(compared).toHaveLength(1);
  });
});

describe("the work for a wrong password", () => {
  const COSTS = `low:${SECRET.y.replace("$04$", "$05$")}\nhigh:${SECRET.y.replace("$04$", "$08$")}\nold:{SHA}x\n`;

  it.each(["low", "high", "old", "nobody"])("is the same for %s", async (account) => {
    const { identify, compared } = await opened(COSTS);
    await identify(`${account}:wrong`);
    expect(compared.reduce((sum, { cost = 0 }) => sum + 2 ** cost, 0)).toBe(2 ** 8);
  });
});

describe("guessing", () => {
  const THROTTLE = { throttle: { attempts: 3, delay: "1s", maxdelay: "8s" } };

  it("has to wait longer and longer, without a comparison", async () => {
    const { identify, compared, clock } = await opened(USERS, THROTTLE);
    for (let attempt = 0; attempt < 3; attempt += 1) await identify("jane:wrong");
    const waits: number[] = [];
    for (const wait of [1, 2, 4, 8, 8]) {
      const error = await failure(() => identify("jane:wrong"));
      if (error.fault.code === "THROTTLED") waits.push(error.fault.retryAfter);
      clock.advance(wait * 1_000);
      expect(await identify("jane:wrong")).toEqual(failed("jane"));
    }
    expect(waits).toEqual([1, 2, 4, 8, 8]);
    expect(compared).toHaveLength(8);
  });

  it("doesn't delay users elsewhere, or cached ones", async () => {
    const { identify, compared } = await opened(USERS, THROTTLE);
    await identify("john:secret");
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await identify("jane:wrong");
      await identify("john:wrong");
    }
    const before = compared.length;
    expect((await failure(() => identify("jane:secret"))).code).toBe("THROTTLED");
    expect((await failure(() => identify("john:wrong"))).code).toBe("THROTTLED");
    expect(await identify("john:secret")).toEqual(identified("john"));
    expect(compared).toHaveLength(before);
    expect(await identify("jane:secret", "198.51.100.7")).toEqual(identified("jane"));
  });

  it("isn't answered from what was cached for others", async () => {
    const { identify, clock, compared } = await opened(USERS, THROTTLE);
    const elsewhere = "198.51.100.7";
    await identify("jane:secret");
    for (let attempt = 0; attempt < 3; attempt += 1) await identify("jane:wrong", elsewhere);
    const before = compared.length;
    // A guesser who has to wait doesn't learn which guess is right.
    expect((await failure(() => identify("jane:secret", elsewhere))).code).toBe("THROTTLED");
    expect(await identify("jane:secret")).toEqual(identified("jane"));
    clock.advance(1_000);
    expect(await identify("jane:secret", elsewhere)).toEqual(identified("jane"));
    expect(compared).toHaveLength(before);
  });

  it("doesn't delay users with a cached login from that address, as long as it is cached", async () => {
    const { identify, clock } = await opened(USERS, { throttle: { attempts: 3, delay: "60s" }, cachettl: "30s" });
    const elsewhere = "198.51.100.7";
    await identify("jane:secret");
    clock.advance(10_000);
    await identify("jane:secret", elsewhere);
    for (let attempt = 0; attempt < 3; attempt += 1) await identify("jane:wrong", elsewhere);
    clock.advance(19_999);
    expect(await identify("jane:secret", elsewhere)).toEqual(identified("jane"));
    clock.advance(1);
    expect((await failure(() => identify("jane:secret", elsewhere))).code).toBe("THROTTLED");
  });

  it("is forgiven after a right password", async () => {
    const { identify } = await opened(USERS, { ...THROTTLE, cachettl: 0 });
    for (const password of ["wrong", "wrong", "secret", "wrong", "wrong"]) await identify(`jane:${password}`);
    expect(await identify("jane:secret")).toEqual(identified("jane"));
  });

  it("is refused while it waits for its turn", async () => {
    const { identify, compared, hold, release } = await opened(USERS, THROTTLE);
    hold();
    const guesses = Array.from({ length: 6 }, (_, index) => identify(`jane:wrong${index}`));
    const outcomes = Promise.allSettled(guesses);
    await expect.poll(() => compared.length).toBe(1);
    release();
    expect((await outcomes).map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
      "rejected",
    ]);
    expect(compared).toHaveLength(3);
  });

  it("from one address doesn't fill the queue for others", async () => {
    const { identify, compared, hold, release } = await opened(USERS);
    hold();
    const guesses = Array.from({ length: 30 }, (_, index) => identify(`user${index}:wrong`));
    const outcomes = Promise.allSettled(guesses);
    await expect.poll(() => compared.length).toBe(1);
    const other = identify("jane:secret", "198.51.100.7");
    release();
    expect(await other).toEqual(identified("jane"));
    // Second at the latest: one comparison was running, and sources take turns.
    expect(compared[1]?.password).toBe("secret");
    const refused = (await outcomes).filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(30 - 1 - 8);
  });

  it("isn't slowed if throttling is disabled", async () => {
    const { identify } = await opened(USERS, { throttle: { disabled: true } });
    for (let attempt = 0; attempt < 50; attempt += 1) expect(await identify("jane:wrong")).toEqual(failed("jane"));
  });
});

describe("faults", () => {
  it("of the threads count as the registry's, not the user's", async () => {
    const { identify, comparer } = await opened(USERS);
    comparer.compare = () => Promise.reject(new Error("a bcrypt thread ended"));
    expect((await failure(() => identify("jane:secret"))).code).toBe("UNAVAILABLE");
  });

  it("include a client's disconnection, which ends the wait", async () => {
    const { authenticator, hold, release } = await opened(USERS);
    hold();
    const gone = new AbortController();
    const waiting = authenticator.identify(request("jane:secret"), { signal: gone.signal });
    gone.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    release();
  });
});

describe("the version of an account", () => {
  it("changes with its password and ends with the account", async () => {
    const { authenticator, path, clock } = await opened(USERS);
    const first = await authenticator.lookup("jane");
    expect(first?.identity.account).toBe("jane");
    expect(first?.stamp).not.toContain(SECRET.y.slice(30));
    expect((await authenticator.lookup("jane"))?.stamp).toBe(first?.stamp);
    expect((await authenticator.lookup("john"))?.stamp).not.toBe(first?.stamp);
    expect(await authenticator.lookup("nobody")).toBeUndefined();
    expect(await authenticator.lookup("old")).toBeUndefined();
    await writeFile(path, `jane:${SECRET.b}\n`);
    clock.advance(1_000);
    expect((await authenticator.lookup("jane"))?.stamp).not.toBe(first?.stamp);
    expect(await authenticator.lookup("john")).toBeUndefined();
  });
});
