import { section } from "@longshore/options/declare";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectionOptions } from "../../../src/mongodb/connection-options.js";
import { openCollection } from "../../../src/mongodb/open-collection.js";
import { mongodbRules } from "../../../src/rules/mongodb/mongodb-rules-kind.js";
import { createMongodbRules } from "../../../src/rules/mongodb/mongodb-rules.js";
import { recordedLog, sourcePorts } from "../../support.js";
import { failure, identity } from "../support.js";
import { startMongoStandIn } from "./stand-in.js";

const TTL = 60_000;

const RULES = [
  { _id: 1, seq: 30, match: { account: "*" }, actions: ["pull"] },
  { _id: 2, seq: 10, match: { account: "admin" }, actions: ["*"], comment: "all of it" },
  { _id: 3, seq: 20, match: { account: "mallory" }, actions: [] },
];

async function open() {
  const server = await startMongoStandIn({ acl: RULES });
  onTestFinished(server.close);
  let now = 1_000_000_000;
  const log = recordedLog();
  const options = section(connectionOptions, "").parse({
    url: server.mongoUrl,
    database: "test",
    collection: "acl",
    connecttimeout: "1s",
  });
  const { collection, close } = await openCollection("mongodbrules", options);
  const rules = createMongodbRules({
    collection,
    close,
    log,
    clock: () => now,
    cachettl: TTL,
    timeout: 1000,
    anonymous: false,
  });
  onTestFinished(() => rules.close());
  const granted = async (account: string) => {
    const resource = { type: "repository", name: "a/b", actions: ["pull", "push"] };
    const subject = { ...identity(account), ip: undefined, service: "registry" };
    return (await rules.decide(subject, resource, new AbortController().signal))?.actions;
  };
  return { server, log, rules, granted, advance: (milliseconds: number) => void (now += milliseconds) };
}

// No MongoDB server can be had here: the official driver talks to a stand-in that speaks its wire protocol.
describe("rules in docker_auth's collection", () => {
  it("decide in the order of seq, whatever the order of the documents", async () => {
    const { granted, server } = await open();
    expect(await granted("admin")).toEqual(["pull", "push"]);
    expect(await granted("mallory")).toEqual([]);
    expect(await granted("alice")).toEqual(["pull"]);
    expect(server.commands).toHaveLength(1);
  });

  it("leave to the next rules what none of them matches", async () => {
    const { granted, server } = await open();
    server.collections.set("acl", RULES.slice(1));
    expect(await granted("alice")).toBeUndefined();
  });

  it("are read again after a time, and at once when nobody has asked for long", async () => {
    const { granted, server, advance } = await open();
    await granted("alice");
    server.collections.set("acl", [{ seq: 1, match: {}, actions: ["push"] }]);
    expect(await granted("alice")).toEqual(["pull"]);
    advance(TTL);
    await granted("alice");
    await expect.poll(() => granted("alice")).toEqual(["push"]);
    server.collections.set("acl", [{ seq: 1, match: {}, actions: [] }]);
    advance(2 * TTL);
    expect(await granted("alice")).toEqual([]);
  });

  it("stay in use while the server is down, or while a rule can't be understood", async () => {
    const { granted, server, advance, log, rules } = await open();
    await granted("alice");
    server.faults.isFailing = true;
    advance(2 * TTL);
    expect(await granted("alice")).toEqual(["pull"]);
    expect(log.lines.join("\n")).toContain("the previous ones stay in use");
    server.faults.isFailing = false;
    server.collections.set("acl", [{ seq: 1, match: { team: "dev" }, actions: ["*"] }]);
    advance(2 * TTL);
    expect(await granted("alice")).toEqual(["pull"]);
    expect(log.lines.join("\n")).toContain("mongodbrules[0].match.team: unknown key");
    expect((await failure(() => rules.reload?.())).code).toBe("UNAVAILABLE");
  });

  it("grant nothing before they have been read, and don't ask a server that is down each time", async () => {
    const { granted, server, advance } = await open();
    server.faults.isFailing = true;
    expect((await failure(() => granted("admin"))).code).toBe("UNAVAILABLE");
    const asked = server.commands.length;
    expect((await failure(() => granted("admin"))).code).toBe("UNAVAILABLE");
    expect(server.commands).toHaveLength(asked);
    server.faults.isFailing = false;
    advance(5_001);
    expect(await granted("admin")).toEqual(["pull", "push"]);
  });

  it("are opened by their kind", async () => {
    const server = await startMongoStandIn({ acl: RULES });
    onTestFinished(server.close);
    const chosen = mongodbRules
      .section("mongodbrules")
      .parse({ url: server.mongoUrl, database: "d", collection: "acl" });
    const rules = await chosen.open(sourcePorts());
    onTestFinished(() => rules.close());
    const subject = { ...identity("admin"), ip: undefined, service: "registry" };
    const resource = { type: "repository", name: "a", actions: ["pull"] };
    const decision = await rules.decide(subject, resource, new AbortController().signal);
    expect(decision).toEqual({ actions: ["pull"], entry: 0 });
  });
});
