import { expect, it } from "vitest";
import { AuthError } from "../src/errors.js";
import type { Authentication } from "../src/identities/identity.js";
import { createPasswordLogins } from "../src/identities/password-logins.js";

const REQUEST = { method: "POST", headers: {}, remoteAddress: "10.0.0.1", secure: false, peerCertificate: undefined };
const LOGIN = { account: "alice", password: "secret" };
const RIGHT: Authentication = { outcome: "identified", identity: { account: "alice", labels: new Map() } };
const WRONG: Authentication = { outcome: "failed", account: "alice", reason: "wrong" };

function open(answers: readonly (Authentication | AuthError)[]) {
  const left = [...answers];
  const seen: string[] = [];
  const unused = (): never => {
    throw new Error("not used");
  };
  const logins = createPasswordLogins({
    passwords: {
      name: "htpasswd",
      identify: unused,
      verify() {
        seen.push("verify");
        const next = left.shift() ?? WRONG;
        if (next instanceof AuthError) throw next;
        return next;
      },
      lookup: (account) => {
        seen.push("lookup");
        return Promise.resolve({ identity: { account, labels: new Map() }, stamp: "stamp" });
      },
      close: () => Promise.resolve(),
    },
    anonymous: false,
    authorize: unused,
    authorizeOthers: unused,
    refuse: (_, reason) => {
      throw new Error(reason);
    },
  });
  return { logIn: () => logins.logIn(LOGIN, REQUEST), seen };
}

it("looks up no account for a client that is throttled, or whose password is wrong", async () => {
  const throttled = new AuthError({ code: "THROTTLED", retryAfter: 1, reason: "wait", account: "alice" });
  for (const answer of [throttled, WRONG]) {
    const { logIn, seen } = open([answer]);
    await expect(logIn()).rejects.toThrow();
    expect(seen).toEqual(["verify"]);
  }
});

it("keeps a login only if the password still holds once the account's stamp is known", async () => {
  expect(await open([RIGHT, RIGHT]).logIn()).toEqual({ account: "alice", source: "htpasswd", stamp: "stamp" });
  await expect(open([RIGHT, WRONG]).logIn()).rejects.toThrow("wrong");
});
