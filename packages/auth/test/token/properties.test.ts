import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupedScope } from "../../src/methods/token/token-challenge.js";
import type { Access } from "../../src/access-controller.js";
import { isAuthError } from "../../src/errors.js";
import { parseScope } from "../../src/scope.js";
import { ask, jwkSet, tokenController } from "./harness.js";
import { goodClaims, makeKeys, makeToken } from "./issuer.js";

/** Mostly common values, so that tokens and requests match, and sometimes confusable ones. */
const mostly = (usual: readonly string[], odd: readonly string[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

const type = mostly(["repository"], ["registry", "repository(plugin)", "Repository", ""]);
const name = mostly(["a", "a/b"], ["catalog", "*", "a/*", "", "A", "a\nb", "a:b", "__proto__"]);
const action = mostly(["pull", "push"], ["delete", "*", "", "PULL", "pull,push"]);
const entry = fc.record({
  type,
  class: fc.option(fc.constantFrom("plugin", "image"), { nil: undefined }),
  name,
  actions: fc.array(action, { maxLength: 4 }),
});
const wanted = fc.array(
  fc.record({ type: mostly(["repository"], ["registry"]), name, action: mostly(["pull", "push"], ["delete", "*"]) }),
  { maxLength: 3 },
);

describe("for any token", () => {
  const keys = makeKeys("EdDSA");

  it("access is granted exactly if an entry has its type, name and action, or all actions", async () => {
    await using test = await tokenController({ jwks: jwkSet({ ed: keys.publicKey }) });
    let granted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), wanted, async (access, accesses) => {
        const token = makeToken({ alg: "EdDSA", kid: "ed" }, goodClaims({ access }), "EdDSA", keys.privateKey);
        const expected = accesses.every((want) =>
          access.some(
            (has) =>
              has.type === want.type &&
              has.name === want.name &&
              (has.actions.includes(want.action) || has.actions.includes("*")),
          ),
        );
        // The second time it is cached.
        for (let time = 0; time < 2; time += 1) {
          const allowed = await ask(test.controller, token, accesses).then(
            () => true,
            (error: unknown) => {
              if (isAuthError(error, "UNAUTHENTICATED")) return false;
              throw error;
            },
          );
          expect(allowed).toBe(expected);
          if (allowed && accesses.length > 0) granted += 1;
        }
      }),
      { numRuns: 300 },
    );
    expect(granted).toBeGreaterThan(10);
  });

  it("changing one character can't change what it grants", async () => {
    await using test = await tokenController({ jwks: jwkSet({ ed: keys.publicKey }) });
    const token = makeToken({ alg: "EdDSA", kid: "ed" }, goodClaims(), "EdDSA", keys.privateKey);
    const decoded = (text: string) => text.split(".").map((part) => Buffer.from(part, "base64url").toString("hex"));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom("A", "Z", "a", "9", "-", "_", ".", "=", "+", "/", " "),
        async (index, character) => {
          const changed = token.slice(0, index) + character + token.slice(index + 1);
          // The last character of a part has unused bits.
          fc.pre(decoded(changed).join() !== decoded(token).join());
          await expect(ask(test.controller, changed)).rejects.toThrow();
        },
      ),
      { numRuns: 300 },
    );
  });

  it("a challenge's scope asks for exactly what was requested", () => {
    const plain = fc.record({
      type: fc.constantFrom("repository", "registry"),
      name: fc.constantFrom("a", "a/b", "c", "host:5000/x"),
      action: fc.constantFrom("pull", "push", "delete", "*"),
    });
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 6 }), (accesses) => {
        const text = (list: readonly Access[]) => list.map((one) => `${one.type}:${one.name}:${one.action}`);
        const asked = parseScope(groupedScope(accesses)).flatMap((one) =>
          one.actions.map((oneAction) => ({ type: one.type, name: one.name, action: oneAction })),
        );
        expect(new Set(text(asked))).toEqual(new Set(text(accesses)));
        expect(asked[0]?.name).toBe(accesses[0]?.name);
      }),
    );
  });
});
