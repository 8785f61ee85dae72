import { listen } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createSourceChain } from "../../../src/sources/chain/chain.js";
import { guardSource } from "../../../src/sources/chain/guard.js";
import { loginContext } from "../../support.js";
import { credentials, failure, identified, sourceOf } from "../support.js";
import { openSource } from "./harness.js";
import { BASE, person, startSlapd } from "./slapd.js";
import { startStandIn } from "./stand-in.js";

const LIMITS = { timeout: 60_000, concurrency: 8, cachettl: 60_000 };
const OPTIONS = { fallthrough: [], failuredelay: 0 };

const local = sourceOf("local", ({ account }) =>
  Promise.resolve(account === "admin" ? identified("admin") : { outcome: "unknown" }),
);

describe("a directory in a chain", () => {
  it("delays no login of another source while it hangs, however many wait for it", async () => {
    const silent = await listen(createServer((socket) => void socket.on("error", () => undefined)));
    onTestFinished(silent.close);
    const directory = await openSource({ urls: [`ldap://${silent.host}`], connecttimeout: "60s" });
    const chain = createSourceChain(
      [guardSource(local, LIMITS, Date.now), guardSource(directory, LIMITS, Date.now)],
      OPTIONS,
    );
    const clients = Array.from({ length: 100 }, () => new AbortController());
    const waiting = clients.map(({ signal }, n) =>
      chain.verify(credentials(`user${n}:x`), loginContext({ signal })).catch(() => "given up"),
    );
    const { source } = await chain.verify(credentials("admin:secret"), loginContext());
    expect(source).toBe("local");
    for (const client of clients) client.abort(new Error("gone"));
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => "given up"));
  });

  it("is asked once for many logins with the same password: harbor#18375", async () => {
    const bound: string[] = [];
    const dn = `uid=alice,${BASE}`;
    const server = await startStandIn({
      bind(name) {
        bound.push(name);
        return 0;
      },
      search: () => [{ dn, attributes: { uid: ["alice"] } }],
    });
    onTestFinished(server.close);
    const source = guardSource(await openSource({ urls: [server.ldapUrl] }), LIMITS, Date.now);
    const logins = Array.from({ length: 50 }, () => source.verify(credentials("alice:secret"), loginContext()));
    expect((await Promise.all(logins)).map(({ outcome }) => outcome)).toEqual(logins.map(() => "identified"));
    await source.verify(credentials("alice:secret"), loginContext());
    expect(bound.filter((name) => name === dn)).toHaveLength(1);
  });
});

describePeers("logins that are remembered while OpenLDAP is down", ["slapd"], () => {
  it("hold for their time, and for the same password only", async () => {
    await using slapd = await startSlapd();
    await slapd.add(person("alice"));
    let now = Date.now();
    const source = guardSource(await openSource({ urls: [slapd.url] }), LIMITS, () => now);
    const logIn = (password: string) => source.verify({ account: "alice", password }, loginContext());
    expect((await logIn("alice's secret")).outcome).toBe("identified");
    await slapd.stop();
    expect((await logIn("alice's secret")).outcome).toBe("identified");
    expect((await failure(() => logIn("another"))).code).toBe("UNAVAILABLE");
    now += 60_001;
    expect((await failure(() => logIn("alice's secret"))).code).toBe("UNAVAILABLE");
  });
});
