import { createBcryptPool, type PasswordComparer } from "@longshore/auth";
import { section } from "@longshore/options/declare";
import { testFolder } from "@longshore/testkit/test-folder";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { z } from "zod";
import { createSourceChain } from "../../../src/sources/chain/chain.js";
import { guardSource } from "../../../src/sources/chain/guard.js";
import { localOptions } from "../../../src/sources/local/local-options.js";
import { openLocal } from "../../../src/sources/local/open-local.js";
import { HASHES } from "../hashes.js";
import { loginContext, sourcePorts } from "../../support.js";
import { credentials, identified, sourceOf } from "../support.js";

const MINUTE = 60_000;

/** `sources: [local, ldap]`, with the work that each of them does, and a directory whose passwords the test changes. */
async function openSite(users: z.input<z.ZodObject<typeof localOptions>>["users"] = {}) {
  const time = { now: Date.now() };
  const work = { hashes: 0, asked: 0 };
  const directory = new Map([
    ["alice", "secret"],
    ["bob", "secret"],
  ]);
  const pool = createBcryptPool({ threads: 1 });
  const comparer: PasswordComparer = {
    compare(...question) {
      work.hashes += 1;
      return pool.compare(...question);
    },
    close: () => pool.close(),
  };
  const htpasswd = join(await testFolder(), "htpasswd");
  const write = async (text: string): Promise<void> => {
    await writeFile(htpasswd, text);
    await utimes(htpasswd, time.now / 1000, time.now / 1000);
  };
  await write(`carol:${HASHES.secret}\n`);
  const clock = (): number => time.now;
  const options = section(localOptions, "").parse({ users, htpasswd });
  const local = await openLocal(options, sourcePorts({ clock }), 1, comparer);
  onTestFinished(() => local.close());
  const ldap = sourceOf("ldap", ({ account, password }) => {
    work.asked += 1;
    if (!directory.has(account)) return Promise.resolve({ outcome: "unknown" });
    const isRight = directory.get(account) === password;
    return Promise.resolve(isRight ? identified(account) : { outcome: "failed", reason: "wrong password" });
  });
  const limits = { timeout: MINUTE, concurrency: 1 };
  const chain = createSourceChain(
    [
      guardSource(local, { ...limits, cachettl: 0 }, clock),
      guardSource(ldap, { ...limits, cachettl: 2 * MINUTE }, clock),
    ],
    { fallthrough: [], failuredelay: 0 },
  );
  return {
    time,
    work,
    directory,
    write,
    /** Who decided how, and what it took. */
    logIn: async (text: string): Promise<string> => {
      Object.assign(work, { hashes: 0, asked: 0 });
      const { login, source } = await chain.verify(credentials(text), loginContext());
      return `${source ?? "nobody"}: ${login.outcome}, ${work.hashes} hashes, asked ${work.asked} times`;
    },
  };
}

describe("a login that the source before doesn't know", () => {
  it("costs a comparison there and a question here once, and then nothing", async () => {
    const { logIn } = await openSite();
    expect(await logIn("alice:secret")).toBe("ldap: identified, 1 hashes, asked 1 times");
    expect(await logIn("alice:secret")).toBe("ldap: identified, 0 hashes, asked 0 times");
    expect(await logIn("alice:secret")).toBe("ldap: identified, 0 hashes, asked 0 times");
  });

  it("is compared again when that was long ago, however often it came meanwhile", async () => {
    const { logIn, time } = await openSite();
    await logIn("alice:secret");
    for (let minute = 1; minute < 5; minute += 1) {
      time.now += MINUTE;
      expect(await logIn("alice:secret")).toContain("identified, 0 hashes");
    }
    time.now += MINUTE;
    expect(await logIn("alice:secret")).toContain("identified, 1 hashes");
  });

  it("is good for no longer than its own source remembers it", async () => {
    const { logIn, time, directory } = await openSite();
    await logIn("alice:secret");
    directory.set("alice", "another");
    time.now += 2 * MINUTE;
    expect(await logIn("alice:secret")).toContain("ldap: failed");
    expect(await logIn("alice:another")).toBe("ldap: identified, 1 hashes, asked 1 times");
  });

  it("is the other source's as soon as that has a user of this name", async () => {
    const { logIn, time, write } = await openSite();
    await logIn("alice:secret");
    expect(await logIn("alice:secret")).toContain("0 hashes");
    time.now += 1000;
    await write(`alice:${HASHES.first}\n`);
    time.now += 1000;
    expect(await logIn("alice:secret")).toBe("local: failed, 1 hashes, asked 0 times");
    expect(await logIn("alice:first")).toBe("local: identified, 1 hashes, asked 0 times");
    await write(`carol:${HASHES.secret}\n`);
    time.now += 3000;
    expect(await logIn("alice:first")).toContain("ldap: failed");
  });

  it("with a wrong password is compared each time: the time doesn't tell who exists where", async () => {
    const { logIn } = await openSite();
    await logIn("alice:secret");
    for (const each of ["alice:wrong", "nobody:wrong", "carol:wrong"]) {
      for (let time = 0; time < 2; time += 1) expect(await logIn(each), each).toContain(", 1 hashes");
    }
  });

  it("never passes a user over who may have any password", async () => {
    const { logIn, time } = await openSite({ bob: { anypassword: true } });
    expect(await logIn("bob:secret")).toBe("local: identified, 0 hashes, asked 0 times");
    time.now += 10 * MINUTE;
    expect(await logIn("bob:secret")).toBe("local: identified, 0 hashes, asked 0 times");
  });
});

describe("a source that can't tell by itself whether it has an account", () => {
  it("remembers that it didn't know credentials for its own time, which begins when it said so", async () => {
    const time = { now: 1_000_000 };
    const clock = (): number => time.now;
    let asked = 0;
    const directory = sourceOf("mongodb", () => {
      asked += 1;
      return Promise.resolve({ outcome: "unknown" });
    });
    const limits = { timeout: MINUTE, concurrency: 1 };
    const sources = [
      guardSource(directory, { ...limits, cachettl: MINUTE }, clock),
      guardSource(
        sourceOf("ldap", ({ password }) =>
          Promise.resolve(password === "secret" ? identified("alice") : { outcome: "unknown" }),
        ),
        { ...limits, cachettl: 0 },
        clock,
      ),
    ];
    const chain = createSourceChain(sources, { fallthrough: [], failuredelay: 0 });
    const ask = (text: string, service = "registry") => chain.verify(credentials(text), loginContext({ service }));
    await ask("alice:secret");
    time.now += MINUTE / 2;
    expect((await ask("alice:secret")).source).toBe("ldap");
    expect(asked).toBe(1);
    await ask("alice:wrong");
    await ask("alice:wrong");
    expect(asked).toBe(3);
    time.now += MINUTE / 2;
    await ask("alice:secret");
    expect(asked).toBe(4);
  });
});
