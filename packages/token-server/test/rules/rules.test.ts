import { writeFile, rm } from "node:fs/promises";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { describe, expect, it } from "vitest";
import { compileRules } from "@longshore/auth";
import { aclFile } from "../../src/rules/acl-file/acl-file-kind.js";
import { openAclFile } from "../../src/rules/acl-file/open-acl-file.js";
import { decide } from "../../src/rules/decide.js";
import { listedRules } from "../../src/rules/inline-rules.js";
import { compileRoles, type RoleGrant } from "../../src/rules/roles/roles.js";
import { createProgramRules } from "../../src/rules/program/program-rules.js";
import { recordedLog } from "../support.js";

const signal = new AbortController().signal;

function subject(account: string, groups: readonly string[] = []) {
  const labels = new Map(groups.length === 0 ? [] : [["groups", groups]]);
  return { account, labels, ip: "192.0.2.1", service: "registry" };
}

const wanted = (name: string) => ({ type: "repository", name, actions: ["delete", "pull", "push"] });

describe("roles", () => {
  const grant = (over: Partial<RoleGrant>): RoleGrant => ({
    ...{ role: "reader", repositories: [], accounts: [], groups: [], anonymous: false },
    ...over,
  });
  const rules = compileRoles({
    grouplabel: "groups",
    grants: [
      grant({ role: "reader", repositories: ["public/*"], anonymous: true }),
      grant({ role: "writer", repositories: ["team/*"], groups: ["backend"] }),
      grant({ role: "maintainer", repositories: ["team/app"], accounts: ["alice"] }),
      grant({ role: "admin", groups: ["ops"] }),
    ],
  });

  it("grant what each that applies adds", () => {
    const may = (who: ReturnType<typeof subject>, name: string) => rules.decide(who, wanted(name), signal);
    expect(may(subject("bob", ["backend"]), "team/app")).toEqual({ actions: ["pull", "push"], entry: 1 });
    expect(may(subject("alice", ["backend"]), "team/app")).toEqual({ actions: ["delete", "pull", "push"], entry: 2 });
    expect(may(subject("alice"), "team/other")).toBeUndefined();
    expect(may(subject("carol", ["ops"]), "anything/at/all")).toMatchObject({ actions: ["delete", "pull", "push"] });
    expect(may(subject("bob"), "public/x")).toMatchObject({ actions: ["pull"] });
  });

  it("give those who didn't log in what says so, and nothing else", () => {
    expect(rules.decide(subject(""), wanted("public/x"), signal)).toMatchObject({ actions: ["pull"] });
    expect(rules.decide(subject(""), wanted("team/app"), signal)).toBeUndefined();
  });

  it("open the catalog to an admin of everything only", () => {
    const catalog = { type: "registry", name: "catalog", actions: ["*"] };
    expect(rules.decide(subject("carol", ["ops"]), catalog, signal)).toMatchObject({ actions: ["*"] });
    expect(rules.decide(subject("bob", ["backend"]), catalog, signal)).toBeUndefined();
  });
});

describe("several lists of rules", () => {
  const roles = (anonymous: boolean, account: string) =>
    compileRoles({
      grouplabel: "groups",
      grants: [
        { role: "writer", repositories: ["public/*"], accounts: [account], groups: [], anonymous: false },
        { role: "reader", repositories: ["public/*"], accounts: [], groups: [], anonymous },
      ],
    });
  const access = (entries: readonly unknown[]) => {
    const compiled = compileRules(entries);
    return listedRules("access", () => compiled);
  };
  const forEveryone = { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] };
  const ask = (lists: Parameters<typeof decide>[0], account: string) =>
    decide(lists, subject(account), wanted("public/app"), signal);

  it("may each grant a user more than what one of them opens to everyone", async () => {
    const openFirst = [access([forEveryone]), roles(false, "alice")];
    expect(await ask(openFirst, "alice")).toMatchObject({ actions: ["pull", "push"], rule: "roles[0]" });
    expect(await ask(openFirst, "bob")).toMatchObject({ actions: ["pull"], rule: "access[0]" });
    expect(await ask(openFirst, "")).toMatchObject({ actions: ["pull"], rule: "access[0]" });
    const writes = { match: { account: "bob", name: "public/*" }, actions: ["push"] };
    const rolesFirst = [roles(true, "alice"), access([writes])];
    expect(await ask(rolesFirst, "bob")).toMatchObject({ actions: ["pull", "push"], rule: "access[0]" });
    expect(await ask(rolesFirst, "alice")).toMatchObject({ actions: ["pull", "push"], rule: "roles[0]" });
    expect(await ask(rolesFirst, "")).toMatchObject({ actions: ["pull"], rule: "roles[1]" });
  });

  it("are otherwise decided by the first with an entry that is about the user", async () => {
    const denies = { match: { account: "alice", name: "public/*" }, actions: [] };
    for (const entries of [[denies, forEveryone], [denies]]) {
      expect((await ask([access(entries), roles(true, "alice")], "alice")).actions).toEqual([]);
    }
  });
});

describe("rules in files", () => {
  it("follow their directory, and keep what was read when a file is broken", async () => {
    await using folder = await makeTemporaryFolder("acl");
    const log = recordedLog();
    let now = 0;
    const clock = (): number => (now += 2000);
    await writeFile(`${folder.path}/20.yml`, '- { match: { account: alice }, actions: ["*"] }\n');
    const rules = await openAclFile(folder.path, { log, clock, anonymousRules: false });
    const may = async (account: string) => (await rules.decide(subject(account), wanted("a"), signal))?.actions ?? [];
    expect(await may("alice")).toEqual(["delete", "pull", "push"]);
    await writeFile(`${folder.path}/10.yml`, "acl:\n  - { match: { account: alice }, actions: [pull] }\n");
    expect(await may("alice")).toEqual(["pull"]);
    await writeFile(`${folder.path}/30.yml`, "- { match: { team: ops }, actions: [pull] }\n");
    expect(await may("alice")).toEqual(["pull"]);
    await may("alice");
    const errors = log.lines.filter((line) => JSON.stringify(line).includes("30.yml"));
    expect(errors).toHaveLength(1);
    expect(JSON.stringify(errors)).toContain("match.team");
    await rm(`${folder.path}/30.yml`);
    await rm(`${folder.path}/10.yml`);
    expect(await may("alice")).toEqual(["delete", "pull", "push"]);
  });

  it("are checked for entries that can never decide, over all files", async () => {
    await using folder = await makeTemporaryFolder("acl");
    await writeFile(`${folder.path}/1.yml`, "- { match: { name: a/* }, actions: [pull] }\n");
    await writeFile(
      `${folder.path}/2.yml`,
      "- { match: { name: b }, actions: [pull] }\n- { match: { name: a/b }, actions: [push] }\n",
    );
    const chosen = aclFile.section("acl").parse({ path: folder.path });
    const remarks = await chosen.verify({ remote: false, patience: 0, now: new Date() });
    expect(remarks).toHaveLength(1);
    expect(remarks[0]?.message).toContain(`${folder.path}/2.yml: [1]: never decides`);
  });

  it("stop the start if they can't be used", async () => {
    await using folder = await makeTemporaryFolder("acl");
    await writeFile(`${folder.path}/acl.yml`, "- { actions: [pull] }\n");
    const ports = { log: recordedLog(), clock: Date.now, anonymousRules: false };
    await expect(openAclFile(`${folder.path}/acl.yml`, ports)).rejects.toThrow("has no match");
    await expect(openAclFile(`${folder.path}/none.yml`, ports)).rejects.toThrow("ENOENT");
  });
});

describe("an external program", () => {
  const PROGRAM = { command: "/bin/sh", folder: "/", environment: [], concurrency: 2 };
  const script = (text: string) => createProgramRules({ ...PROGRAM, args: ["-c", text], timeout: 20_000 });

  it("grants all or nothing, as docker_auth's", async () => {
    const check = 'grep -q \'"Account":"alice".*"Actions":\\["delete","pull","push"\\]\'';
    expect(await script(check).decide(subject("alice"), wanted("a"), signal)).toMatchObject({
      actions: ["delete", "pull", "push"],
    });
    expect(await script(check).decide(subject("bob"), wanted("a"), signal)).toMatchObject({ actions: [] });
  });

  it("grants nothing if it fails, hangs or prints without end", async () => {
    await expect(script("exit 3").decide(subject("a"), wanted("a"), signal)).rejects.toMatchObject({
      fault: { code: "UNAVAILABLE" },
    });
    await expect(script("yes").decide(subject("a"), wanted("a"), signal)).rejects.toMatchObject({
      fault: { code: "UNAVAILABLE" },
    });
    const hanging = createProgramRules({ ...PROGRAM, command: "/bin/sleep", args: ["600"], timeout: 200 });
    await expect(hanging.decide(subject("a"), wanted("a"), signal)).rejects.toMatchObject({
      fault: { code: "UNAVAILABLE" },
    });
  });
});
