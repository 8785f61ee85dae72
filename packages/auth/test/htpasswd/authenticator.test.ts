import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PasswordComparer } from "../../src/controllers/htpasswd/bcrypt-pool.js";
import { htpasswdAuthenticator } from "../../src/controllers/htpasswd/controller.js";
import { htpasswdOptions } from "../../src/controllers/htpasswd/options.js";
import { openPasswordFile } from "../../src/controllers/htpasswd/password-file.js";
import { bcryptCost } from "../../src/controllers/htpasswd/password-list.js";
import { failure, movableClock, recordingLog, request, SECRET, temporaryFolder } from "./support.js";

/** Takes "secret" for what each hash was made of, and can hold its answers back. */
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
  const path = join(await temporaryFolder(), "htpasswd");
  await writeFile(path, text);
  const clock = movableClock(Date.now());
  const ports = { log: recordingLog(), clock, secret: "s" };
  const file = await openPasswordFile({ path, ...ports });
  const fake = fakeComparer();
  const parsed = htpasswdOptions.parse({ realm: "r", path, workers: 1, ...options });
  const authenticator = htpasswdAuthenticator(parsed, file, ports, fake.comparer);
  const identify = async (credentials: string, address?: string) =>
    authenticator.identify(request(credentials, address));
  return { path, clock, ...fake, authenticator, identify };
}

const USERS = `jane:${SECRET.y}\njohn:${SECRET.a}\nold:{SHA}x\n`;
const identified = (account: string) => ({ outcome: "identified", identity: { account, labels: new Map() } });
const failed = (account: string | undefined) => expect.objectContaining({ outcome: "failed", account }) as unknown;

describe("Basic credentials", () => {
  it("are right, wrong, or not there", async () => {
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
    // Of the right credentials, without the padding and with a stray character.
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

  it.each(["basic", "BASIC", "Basic "])("are read whatever the scheme's case: %s", async (scheme) => {
    const { authenticator } = await opened(USERS);
    const encoded = Buffer.from("jane:secret").toString("base64");
    const asked = { ...request(), headers: { authorization: `${scheme} ${encoded}` } };
    expect(await authenticator.identify(asked)).toEqual(identified("jane"));
  });

  it("may hold colons and letters of any script", async () => {
    const { authenticator, compared } = await opened(USERS);
    await authenticator.identify(request("jöhn:pä:ss😀"));
    expect(compared.map(({ password }) => password)).toEqual(["pä:ss😀"]);
    const bearer = { ...request(), headers: { authorization: "Bearer x" } };
    expect(await authenticator.identify(bearer)).toEqual({ outcome: "absent" });
  });
});

describe("a right password", () => {
  it("is compared once and remembered, for its time", async () => {
    const { identify, compared, clock, authenticator } = await opened(USERS, { cachettl: 60_000 });
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

  it("is never remembered where the time is 0", async () => {
    const { identify, compared } = await opened(USERS, { cachettl: 0 });
    await identify("jane:secret");
    await identify("jane:secret");
    expect(compared).toHaveLength(2);
  });

  it("isn't remembered for another user, nor a wrong one at all", async () => {
    const { identify, compared } = await opened(USERS);
    await identify("jane:secret");
    expect(await identify("jane:wrong")).toEqual(failed("jane"));
    expect(await identify("jane:wrong")).toEqual(failed("jane"));
    expect(await identify("john:secret")).toEqual(identified("john"));
    expect(compared.filter(({ password }) => password === "wrong").length).toBeGreaterThanOrEqual(2);
  });

  it("is forgotten when the user's line changes or goes, and others' are not", async () => {
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

  it("is compared once for connections that come together", async () => {
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
  const THROTTLE = { throttle: { attempts: 3, delay: 1_000, maxdelay: 8_000 } };

  it("has to wait, longer and longer, without a comparison", async () => {
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

  it("holds up nobody elsewhere, and nobody who is remembered", async () => {
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

  it("isn't answered with what was remembered for others", async () => {
    const { identify, clock, compared } = await opened(USERS, THROTTLE);
    const elsewhere = "198.51.100.7";
    await identify("jane:secret");
    for (let attempt = 0; attempt < 3; attempt += 1) await identify("jane:wrong", elsewhere);
    const before = compared.length;
    // A guesser who has to wait isn't told which guess is right.
    expect((await failure(() => identify("jane:secret", elsewhere))).code).toBe("THROTTLED");
    expect(await identify("jane:secret")).toEqual(identified("jane"));
    clock.advance(1_000);
    expect(await identify("jane:secret", elsewhere)).toEqual(identified("jane"));
    expect(compared).toHaveLength(before);
  });

  it("doesn't hold up who logged in there with what was remembered, for as long as it is", async () => {
    const { identify, clock } = await opened(USERS, { throttle: { attempts: 3, delay: 60_000 }, cachettl: 30_000 });
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

  it("is forgiven once the password is right", async () => {
    const { identify } = await opened(USERS, { ...THROTTLE, cachettl: 0 });
    for (const password of ["wrong", "wrong", "secret", "wrong", "wrong"]) await identify(`jane:${password}`);
    expect(await identify("jane:secret")).toEqual(identified("jane"));
  });

  it("is stopped while it waits for its turn", async () => {
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

  it("from one address fills no queue that others wait in", async () => {
    const { identify, compared, hold, release } = await opened(USERS);
    hold();
    const guesses = Array.from({ length: 30 }, (_, index) => identify(`user${index}:wrong`));
    const outcomes = Promise.allSettled(guesses);
    await expect.poll(() => compared.length).toBe(1);
    const other = identify("jane:secret", "198.51.100.7");
    release();
    expect(await other).toEqual(identified("jane"));
    // Second at the latest: one comparison ran, and turns are taken.
    expect(compared[1]?.password).toBe("secret");
    const refused = (await outcomes).filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(30 - 1 - 8);
  });

  it("isn't slowed where that is switched off", async () => {
    const { identify } = await opened(USERS, { throttle: { disabled: true } });
    for (let attempt = 0; attempt < 50; attempt += 1) expect(await identify("jane:wrong")).toEqual(failed("jane"));
  });
});

describe("faults", () => {
  it("of the threads are the registry's, and not the user's", async () => {
    const { identify, comparer } = await opened(USERS);
    comparer.compare = () => Promise.reject(new Error("a bcrypt thread ended"));
    expect((await failure(() => identify("jane:secret"))).code).toBe("UNAVAILABLE");
  });

  it("end the wait of a client that goes away", async () => {
    const { authenticator, hold, release } = await opened(USERS);
    hold();
    const gone = new AbortController();
    const waiting = authenticator.identify(request("jane:secret"), { signal: gone.signal });
    gone.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    release();
  });
});

describe("what others are told of an account", () => {
  it("changes with its password and ends with it", async () => {
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
