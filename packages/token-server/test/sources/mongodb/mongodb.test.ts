import { createBcryptPool } from "@longshore/auth";
import { section } from "@longshore/options/declare";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadDriver } from "../../../src/mongodb/load-driver.js";
import { openCollection } from "../../../src/mongodb/open-collection.js";
import { mongodb } from "../../../src/sources/mongodb/mongodb-kind.js";
import { mongodbOptions } from "../../../src/sources/mongodb/mongodb-options.js";
import { createMongodbSource } from "../../../src/sources/mongodb/mongodb-source.js";
import { loginContext, sourcePorts } from "../../support.js";
import { HASHES } from "../hashes.js";
import { credentials, failure } from "../support.js";
import { startMongoStandIn, type StandIn } from "./stand-in.js";

async function startUsers(): Promise<StandIn> {
  const server = await startMongoStandIn({
    users: [
      { username: "alice", password: HASHES.secret, labels: { groups: ["dev", "test/*"] } },
      { username: "bob", password: HASHES.first },
      { username: "open" },
      { username: "plain", password: "secret" },
      { username: "odd", password: 1 },
      { username: "twin", password: HASHES.secret },
      { username: "twin", password: HASHES.first },
    ],
  });
  onTestFinished(server.close);
  return server;
}

const optionsOf = (url: string, input: object = {}) =>
  section(mongodbOptions, "").parse({ url, database: "test", collection: "users", connecttimeout: "1s", ...input });

async function open(server: StandIn, labelpatterns = false) {
  const source = createMongodbSource({
    users: await openCollection("mongodb", optionsOf(server.mongoUrl)),
    comparer: createBcryptPool({ threads: 1 }),
    labelpatterns,
    timeout: 1000,
  });
  onTestFinished(() => source.close());
  return source;
}

// No MongoDB server can be had here: the official driver talks to a stand-in that speaks its wire protocol.
describe("users in docker_auth's collection", () => {
  it("log in with their passwords, and have their labels", async () => {
    const source = await open(await startUsers());
    const verify = (text: string) => source.verify(credentials(text), loginContext());
    expect(await verify("alice:secret")).toMatchObject({
      outcome: "identified",
      identity: { account: "alice", labels: new Map([["groups", ["dev", "test/*"]]]), labelSyntax: "literal" },
    });
    expect(await verify("bob:first")).toMatchObject({ identity: { account: "bob", labels: new Map() } });
    expect((await verify("alice:wrong")).outcome).toBe("failed");
    expect((await verify("mallory:secret")).outcome).toBe("unknown");
    expect((await verify("Alice:secret")).outcome).toBe("unknown");
    expect((await verify("alice:")).outcome).toBe("unknown");
  });

  it("have labels that are patterns if the configuration says so", async () => {
    const source = await open(await startUsers(), true);
    const login = await source.verify(credentials("alice:secret"), loginContext());
    expect(login).toMatchObject({ identity: { labelSyntax: "pattern" } });
  });

  it("can't log in without a hash, with which docker_auth accepts every password", async () => {
    const source = await open(await startUsers());
    for (const text of ["open:anything", "plain:secret"])
      expect((await source.verify(credentials(text), loginContext())).outcome).toBe("failed");
  });

  it("are refused if their documents can't be understood, or aren't unique", async () => {
    const source = await open(await startUsers());
    for (const text of ["odd:1", "twin:secret"])
      expect((await failure(() => source.verify(credentials(text), loginContext()))).code).toBe("UNAVAILABLE");
  });

  it("are searched for by a text, whatever it holds", async () => {
    const server = await startUsers();
    const source = await open(server);
    for (const account of ['{"$ne": null}', "$where", "alice'||'1"])
      expect((await source.verify({ account, password: "secret" }, loginContext())).outcome).toBe("unknown");
    expect(server.commands.map(({ filter }) => filter as unknown)).toEqual([
      { username: '{"$ne": null}' },
      { username: "$where" },
      { username: "alice'||'1" },
    ]);
  });

  it("are looked up without a password", async () => {
    const source = await open(await startUsers());
    expect((await source.lookup?.("alice", loginContext()))?.identity.labels.get("groups")).toEqual(["dev", "test/*"]);
    expect(await source.lookup?.("mallory", loginContext())).toBeUndefined();
  });

  it("have a stamp that differs by account and password, for refresh tokens to end with it", async () => {
    const server = await startUsers();
    const source = await open(server);
    const stamp = async (account: string) => (await source.lookup?.(account, loginContext()))?.stamp;
    const [alice, bob] = [await stamp("alice"), await stamp("bob")];
    expect(alice).toMatch(/^[\w-]{43}$/);
    expect(bob).not.toBe(alice);
    expect(await stamp("alice")).toBe(alice);
    for (const account of ["open", "mallory"]) expect(await stamp(account)).toBeUndefined();
  });

  it("can't be verified while the server refuses, says nothing, or is gone", async () => {
    const server = await startUsers();
    const source = await open(server);
    const attempt = () => failure(() => source.verify(credentials("alice:secret"), loginContext()));
    server.faults.isFailing = true;
    expect((await attempt()).code).toBe("UNAVAILABLE");
    server.faults.isFailing = false;
    server.faults.isSilent = true;
    expect((await attempt()).code).toBe("UNAVAILABLE");
    const client = new AbortController();
    const asked = server.commands.length;
    const login = source.verify(credentials("alice:secret"), loginContext({ signal: client.signal }));
    await expect.poll(() => server.commands.length).toBeGreaterThan(asked);
    const gone = new Error("the client is gone");
    client.abort(gone);
    await expect(login).rejects.toBe(gone);
    await server.close();
    expect((await attempt()).code).toBe("UNAVAILABLE");
  });

  it("are opened by their kind, within limits", async () => {
    const server = await startUsers();
    const chosen = mongodb
      .section("mongodb")
      .parse({ url: server.mongoUrl, database: "test", collection: "users", workers: 2, cachettl: "10s" });
    expect(chosen.limits).toEqual({ timeout: 15_000, cachettl: 10_000, concurrency: 2 });
    const source = await chosen.open(sourcePorts());
    onTestFinished(() => source.close());
    expect((await source.verify(credentials("alice:secret"), loginContext())).outcome).toBe("identified");
  });

  it("need the driver, and name the package if it isn't installed", async () => {
    const missing = Object.assign(new Error("Cannot find package 'mongodb'"), { code: "ERR_MODULE_NOT_FOUND" });
    const error = await failure(() => loadDriver("mongodb", () => Promise.reject(missing)));
    expect(error.fault).toMatchObject({ code: "INVALID_OPTIONS", path: "mongodb" });
    expect(error.message).toContain("npm install mongodb@7");
  });

  it("never have their connection string in a message", async () => {
    const options = optionsOf("mongodb://user:p%ss@host/?nonsense=1");
    const error = await failure(() => openCollection("mongodb", options));
    expect(error.fault).toMatchObject({ code: "INVALID_OPTIONS", path: "mongodb.url" });
    expect(error.message).not.toContain("p%ss");
    expect(JSON.stringify(options)).not.toContain("p%ss");
  });
});
