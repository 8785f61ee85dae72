import { AuthError } from "@longshore/auth";
import { describe, expect, it } from "vitest";
import type { IdentitySource, Login } from "../../../src/contract.js";
import { createSourceChain } from "../../../src/sources/chain/chain.js";
import { loginContext } from "../../support.js";
import { credentials, failure, identified, identity, sourceOf } from "../support.js";

const OPTIONS = { fallthrough: [], failuredelay: 0 };
const WRONG: Login = { outcome: "failed", reason: "wrong password" };
const UNKNOWN: Login = { outcome: "unknown" };

const answering = (name: string, login: Login) => sourceOf(name, () => Promise.resolve(login));
const down = (name: string) =>
  sourceOf(name, () => Promise.reject(new AuthError({ code: "UNAVAILABLE", reason: `${name} is down` })));

const ALICE = credentials("alice:secret");

describe("a chain of sources", () => {
  it("asks the next source if the account is unknown, and says which one decided", async () => {
    const chain = createSourceChain([answering("local", UNKNOWN), answering("ldap", identified("alice"))], OPTIONS);
    const { login, source } = await chain.verify(ALICE, loginContext());
    expect(login.outcome).toBe("identified");
    expect(source).toBe("ldap");
  });

  it("stops at a wrong password, as docker_auth does", async () => {
    const chain = createSourceChain([answering("local", WRONG), answering("ldap", identified("alice"))], OPTIONS);
    expect(await chain.verify(ALICE, loginContext())).toEqual({ login: WRONG, source: "local" });
  });

  it("asks the next source after a wrong password if it may", async () => {
    const options = { ...OPTIONS, fallthrough: ["failed" as const] };
    const chain = createSourceChain([answering("local", WRONG), answering("ldap", identified("alice"))], options);
    expect((await chain.verify(ALICE, loginContext())).source).toBe("ldap");
    const refusing = createSourceChain([answering("local", WRONG), answering("ldap", UNKNOWN)], options);
    expect(await refusing.verify(ALICE, loginContext())).toEqual({ login: WRONG, source: "local" });
  });

  it("stops at a source that is down", async () => {
    const chain = createSourceChain([down("ldap"), answering("local", identified("alice"))], OPTIONS);
    expect((await failure(() => chain.verify(ALICE, loginContext()))).code).toBe("UNAVAILABLE");
  });

  it("asks the next source while one is down if it may, and never takes silence for an unknown account", async () => {
    const options = { ...OPTIONS, fallthrough: ["unavailable" as const] };
    const chain = createSourceChain([down("ldap"), answering("local", identified("alice"))], options);
    expect((await chain.verify(ALICE, loginContext())).source).toBe("local");
    const silent = createSourceChain([down("ldap"), answering("local", UNKNOWN)], options);
    expect((await failure(() => silent.verify(ALICE, loginContext()))).message).toBe("ldap is down");
  });

  it("says that no source knows an account", async () => {
    const chain = createSourceChain([answering("local", UNKNOWN), answering("ldap", UNKNOWN)], OPTIONS);
    expect(await chain.verify(ALICE, loginContext())).toEqual({ login: UNKNOWN, source: undefined });
  });

  it("answers refusals after a multiple of the delay, whichever source refuses, and logins at once", async () => {
    const delayed = { ...OPTIONS, failuredelay: 300 };
    const time = async (sources: readonly IdentitySource[]) => {
      const start = performance.now();
      await createSourceChain(sources, delayed).verify(ALICE, loginContext());
      return performance.now() - start;
    };
    // Timers may fire up to a millisecond early.
    expect(await time([answering("local", WRONG)])).toBeGreaterThanOrEqual(299);
    expect(await time([answering("local", UNKNOWN)])).toBeGreaterThanOrEqual(299);
  });

  it("looks an account up in the source that identified it", async () => {
    const alice = identity("alice", { groups: ["dev"] });
    const ldap = sourceOf("ldap", () => Promise.resolve(UNKNOWN), {
      lookup: (account) => Promise.resolve(account === "alice" ? { identity: alice } : undefined),
    });
    const chain = createSourceChain([answering("local", UNKNOWN), ldap], OPTIONS);
    expect(await chain.lookup("ldap", "alice", loginContext())).toEqual({ identity: alice });
    expect(await chain.lookup("ldap", "bob", loginContext())).toBeUndefined();
    expect(await chain.lookup("local", "alice", loginContext())).toBe("unsupported");
    expect(await chain.lookup("removed", "alice", loginContext())).toBeUndefined();
  });

  it("reloads every source, and reports the one that can't", async () => {
    const reloaded: string[] = [];
    const reloading = (name: string, error?: Error) =>
      sourceOf(name, () => Promise.resolve(UNKNOWN), {
        reload() {
          reloaded.push(name);
          return error === undefined ? Promise.resolve() : Promise.reject(error);
        },
      });
    const chain = createSourceChain([reloading("a", new Error("a's file is bad")), reloading("b")], OPTIONS);
    await expect(chain.reload()).rejects.toThrow("a's file is bad");
    expect(reloaded).toEqual(["a", "b"]);
  });
});
