import { createBcryptPool, type PasswordComparer } from "@longshore/auth";
import { testFolder } from "@longshore/testkit/test-folder";
import { HASHES } from "../hashes.js";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { z } from "zod";
import type { IdentitySource } from "../../../src/contract.js";
import { local } from "../../../src/sources/local/local-kind.js";
import { localOptions, type LocalOptions } from "../../../src/sources/local/local-options.js";
import { guardSource } from "../../../src/sources/chain/guard.js";
import { openLocal } from "../../../src/sources/local/open-local.js";
import { loginContext, recordedLog, sourcePorts } from "../../support.js";
import { credentials, deferred, failure } from "../support.js";
import { section } from "@longshore/options/declare";

const optionsOf = (options: z.input<z.ZodObject<typeof localOptions>>): LocalOptions =>
  section(localOptions, "").parse(options);

/** Which hashes passwords were compared with. */
function countingPool(): PasswordComparer & { readonly costs: number[] } {
  const pool = createBcryptPool({ threads: 1 });
  const costs: number[] = [];
  return {
    costs,
    compare(password, hash) {
      costs.push(Number(hash.slice(4, 6)));
      return pool.compare(password, hash);
    },
    close: () => pool.close(),
  };
}

async function open(
  options: z.input<z.ZodObject<typeof localOptions>>,
  overrides: Parameters<typeof sourcePorts>[0] = {},
  pool?: PasswordComparer,
): Promise<IdentitySource> {
  const source = await openLocal(optionsOf(options), sourcePorts(overrides), 1, pool);
  onTestFinished(() => source.close());
  return source;
}

/** The messages of what the section refuses. */
function problemsOf(options: unknown): string[] {
  const result = local.section("local").safeParse(options);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("local users", () => {
  it("log in with their passwords and have their labels, as patterns", async () => {
    const source = await open({ users: { alice: { password: HASHES.secret, labels: { groups: ["dev", "ops"] } } } });
    expect(await source.verify(credentials("alice:secret"), loginContext())).toEqual({
      outcome: "identified",
      identity: { account: "alice", labels: new Map([["groups", ["dev", "ops"]]]), labelSyntax: "pattern" },
      renewable: true,
    });
    expect(await source.verify(credentials("alice:wrong"), loginContext())).toEqual({
      outcome: "failed",
      reason: "wrong password",
    });
    expect(await source.verify(credentials("bob:secret"), loginContext())).toEqual({ outcome: "unknown" });
    expect(await source.verify(credentials("alice:sec\0ret"), loginContext())).toEqual({ outcome: "unknown" });
  });

  it("take the same comparisons whether they exist or not, and whatever their own cost is", async () => {
    const pool = countingPool();
    const users = { cheap: { password: HASHES.a }, dear: { password: HASHES.b } };
    const source = await open({ users }, {}, pool);
    const costsOf = async (text: string) => {
      pool.costs.length = 0;
      await source.verify(credentials(text), loginContext());
      return pool.costs.reduce((sum, cost) => sum + 2 ** cost, 0);
    };
    expect(await costsOf("absent:x")).toBe(64);
    expect(await costsOf("cheap:x")).toBe(64);
    expect(await costsOf("dear:x")).toBe(64);
  });

  it("log in while clients hang up during the comparison of their passwords", async () => {
    const pool = createBcryptPool({ threads: 1 });
    let begun = deferred<undefined>();
    const comparer: PasswordComparer = {
      compare(...question) {
        begun.resolve(undefined);
        return pool.compare(...question);
      },
      close: () => pool.close(),
    };
    const source = await open({ users: { alice: { password: HASHES.secret } } }, {}, comparer);
    const limits = { timeout: 60_000, concurrency: 1, cachettl: 0 };
    const guarded = guardSource(source, limits, Date.now);
    // More than the failures in a row after which a source is left alone.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      begun = deferred();
      const client = new AbortController();
      const answer = guarded.verify(credentials(`guess${attempt}:x`), loginContext({ signal: client.signal }));
      await begun.promise;
      client.abort(new Error("gone"));
      await expect(answer).rejects.toThrow("gone");
    }
    expect((await guarded.verify(credentials("alice:secret"), loginContext())).outcome).toBe("identified");
  });

  it("need no second comparison within the time that a password is remembered", async () => {
    let now = Date.now();
    const pool = countingPool();
    const source = await open({ users: { alice: { password: HASHES.secret } } }, { clock: () => now }, pool);
    expect(source.recall?.(credentials("alice:secret"))).toBeUndefined();
    await source.verify(credentials("alice:secret"), loginContext());
    expect(source.recall?.(credentials("alice:secret"))?.outcome).toBe("identified");
    expect(source.recall?.(credentials("alice:other"))).toBeUndefined();
    now += 5 * 60_000;
    expect(source.recall?.(credentials("alice:secret"))).toBeUndefined();
    expect(pool.costs).toHaveLength(1);
  });

  it("may accept every password if the configuration says so, but not an empty one", async () => {
    const source = await open({ users: { guest: { anypassword: true } } });
    expect((await source.verify(credentials("guest:whatever"), loginContext())).outcome).toBe("identified");
    expect((await source.verify(credentials("guest:"), loginContext())).outcome).toBe("failed");
  });

  it("include who didn't log in only if the empty name is listed", async () => {
    const closed = await open({ users: { alice: { password: HASHES.secret } } });
    expect(await closed.verify(credentials(":"), loginContext())).toEqual({ outcome: "unknown" });
    const admitting = await open({ users: { "": { labels: { groups: ["public"] } } } });
    expect(await admitting.verify(credentials(":"), loginContext())).toMatchObject({
      identity: { account: "", labels: new Map([["groups", ["public"]]]) },
      renewable: false,
    });
    expect(await admitting.verify(credentials(":password"), loginContext())).toEqual({ outcome: "unknown" });
  });

  it("are looked up without a password until they are removed", async () => {
    const source = await open({ users: { alice: { password: HASHES.secret, labels: { groups: ["dev"] } } } });
    expect((await source.lookup?.("alice", loginContext()))?.identity.labels.get("groups")).toEqual(["dev"]);
    expect(await source.lookup?.("bob", loginContext())).toBeUndefined();
  });
});

describe("an htpasswd file of local users", () => {
  it("adds users, and follows changes: a changed password counts at once", async () => {
    const path = join(await testFolder(), "htpasswd");
    const write = async (text: string, time: number) => {
      await writeFile(path, text);
      await utimes(path, time, time);
    };
    await write(`bob:${HASHES.first}\nalice:${HASHES["of the file"]}\n`, 1000);
    let now = Date.now();
    const users = { alice: { password: HASHES["of the configuration"] } };
    const source = await open({ users, htpasswd: path }, { clock: () => now });
    const outcome = async (text: string) => (await source.verify(credentials(text), loginContext())).outcome;
    expect(await outcome("bob:first")).toBe("identified");
    expect(await outcome("alice:of the configuration")).toBe("identified");
    expect(await outcome("alice:of the file")).toBe("failed");
    await write(`bob:${HASHES.second}\n`, 2000);
    now += 2000;
    expect(await outcome("bob:first")).toBe("failed");
    expect(await outcome("bob:second")).toBe("identified");
    expect(source.recall?.(credentials("bob:first"))).toBeUndefined();
  });

  it("is looked at although passwords are remembered: one that was replaced doesn't count any longer", async () => {
    const path = join(await testFolder(), "htpasswd");
    const write = async (text: string, time: number) => {
      await writeFile(path, text);
      await utimes(path, time, time);
    };
    await write(`bob:${HASHES.first}\n`, 1000);
    let now = Date.now();
    const source = await open({ htpasswd: path }, { clock: () => now });
    const guarded = guardSource(source, { timeout: 60_000, concurrency: 1, cachettl: 0 }, () => now);
    const outcome = async (text: string) => (await guarded.verify(credentials(text), loginContext())).outcome;
    expect(await outcome("bob:first")).toBe("identified");
    expect(await outcome("bob:first")).toBe("identified");
    const before = (await guarded.lookup?.("bob", loginContext()))?.stamp;
    await write(`bob:${HASHES.second}\n`, 2000);
    now += 1000;
    expect(await outcome("bob:first")).toBe("failed");
    expect((await guarded.lookup?.("bob", loginContext()))?.stamp).not.toBe(before);
    await write(`carol:${HASHES.second}\n`, 3000);
    now += 1000;
    expect(await guarded.lookup?.("bob", loginContext())).toBeUndefined();
  });

  it("stops the start if it can't be read", async () => {
    const path = join(await testFolder(), "missing");
    const error = await failure(() => open({ htpasswd: path }));
    expect(error.fault).toMatchObject({ code: "INVALID_OPTIONS", path: "local.htpasswd" });
    const chosen = local.section("local").parse({ htpasswd: path });
    const remarks = await chosen.verify({ remote: false, patience: 1000, now: new Date() });
    expect(remarks).toMatchObject([{ severity: "error", path: ["htpasswd"] }]);
  });

  it("never shows a hash or a password in the log", async () => {
    const path = join(await testFolder(), "htpasswd");
    await writeFile(path, "alice:plain-password\n");
    const log = recordedLog();
    const source = await openLocal(optionsOf({ htpasswd: path }), { ...sourcePorts(), log }, 1);
    onTestFinished(() => source.close());
    expect(log.lines.join("\n")).toContain("line 1");
    expect(log.lines.join("\n")).not.toContain("plain-password");
  });
});

describe("the options of local users", () => {
  const password = HASHES.secret;

  it.each([
    ["no users at all", {}, "users: there is neither a user nor an htpasswd file, so no one could log in"],
    ["a user without a password", { users: { alice: {} } }, "users.alice: has no password; set password"],
    ["an empty user", { users: { alice: null } }, "users.alice: has no password"],
    ["a password and any", { users: { alice: { password, anypassword: true } } }, "accepts every other one, too"],
    ["an anonymous password", { users: { "": { password } } }, "can't have a password"],
    ["a plain password", { users: { alice: { password: "secret" } } }, "this is not a bcrypt hash"],
    ["doubled dollars", { users: { alice: { password: password.replaceAll("$", "$$$$") } } }, "$$ where $ belongs"],
    ["control characters", { users: { "a\nb": { password } } }, "control characters"],
  ])("refuse %s", (_, options, message) => {
    expect(problemsOf(options).join("\n")).toContain(message);
  });

  it("warn of users without a password", () => {
    const chosen = local.section("local").parse({ users: { guest: { anypassword: true } } });
    expect(chosen.remarks).toMatchObject([{ severity: "warning", path: ["users", "guest", "anypassword"] }]);
  });
});
