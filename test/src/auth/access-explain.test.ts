import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveHttp, type Listening } from "@longshore/testkit/loopback";
import { attempt } from "@longshore/testkit/processes";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";

const PROGRAM = fileURLToPath(new URL("../../../packages/registry/bin/registry.js", import.meta.url));

/** bcrypt of `secret`. */
const HASH = "$2b$04$AvxEDdo0o6kqPNp3Ehl0NelVOKDtZ85XJ9zR1VDdN0EwqUaZU4vCC";

/** What the hook decides on repositories, by their names; 404 is for the next rules. */
const HOOK: Readonly<Record<string, readonly [number, string]>> = {
  "hooked/all": [204, ""],
  "hooked/part": [200, '{"actions": ["pull"]}'],
  "hooked/none": [403, ""],
  "hooked/fails": [500, ""],
};

let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>;
let hook: Listening;

beforeAll(async () => {
  folder = await makeTemporaryFolder("explain");
  hook = await serveHttp((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => (body += text));
    request.on("end", () => {
      const [, name = ""] = /"Name":"([^"]*)"/.exec(body) ?? [];
      const [status, answer] = HOOK[name] ?? [404, ""];
      response.writeHead(status).end(answer);
    });
  });
  await mkdir(join(folder.path, "acl"));
  await writeFile(
    join(folder.path, "acl", "10-files.yml"),
    stringify([
      { match: { account: "alice", name: "filed/secret" }, actions: [] },
      { match: { account: "alice", name: "filed/*" }, actions: ["*"] },
    ]),
  );
  await writeFile(
    join(folder.path, "config.yml"),
    stringify({
      version: 0.1,
      storage: { filesystem: { rootdirectory: join(folder.path, "data") } },
      access: [
        { name: "anonymous", type: "repository", repository: "public/*", action: ["pull"] },
        { match: { account: "", name: "welcome/*", labels: { groups: "guests" } }, actions: ["pull"] },
        { match: { account: "alice", name: "team/*", ip: "192.0.2.0/24" }, actions: ["pull", "push"] },
        { match: { account: "alice", name: "${labels:groups}/*" }, actions: ["pull"] },
      ],
      tokenserver: {
        service: "registry.example",
        rules: ["access", "acl", "roles", "hookrules"],
        local: {
          users: {
            alice: { password: HASH, labels: { groups: ["backend"] } },
            carol: { password: HASH },
            "": { labels: { groups: ["guests"] } },
          },
        },
        acl: { path: join(folder.path, "acl") },
        roles: {
          grants: [
            { role: "reader", repositories: ["shared/*"], groups: ["backend"] },
            { role: "admin", accounts: ["carol"] },
          ],
        },
        hookrules: { url: hook.url },
      },
    }),
  );
});

afterAll(async () => {
  await hook.close();
  await folder[Symbol.asyncDispose]();
});

async function explain(question: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const words = question.split(" ").filter((word) => word !== "");
  const config = join(folder.path, "config.yml");
  const { code, stdout, stderr } = await attempt(process.execPath, [PROGRAM, "access", "explain", config, ...words]);
  return { code, said: stdout + stderr };
}

describe("registry access explain", () => {
  it.each([
    [
      "the simple form, for everyone",
      "--repository public/app",
      0,
      ["access[0]: matches, and grants pull", "repository public/app: granted pull of pull"],
    ],
    [
      "a label of who doesn't log in",
      "--repository welcome/app",
      0,
      ["a client that doesn't log in, known to local, labels groups=guests", "access[1]: matches, and grants pull"],
    ],
    [
      "an address",
      "--account alice --repository team/app --action push --ip 192.0.2.7",
      0,
      ["alice, known to local, labels groups=backend", "access[2]: matches, and grants push"],
    ],
    [
      "no address",
      "--account alice --repository team/app --action push --ip 198.51.100.1",
      2,
      ["access: no entry matches", "acl: no entry matches", "roles: no entry matches", "nothing is granted of push"],
    ],
    [
      "a label that a pattern inserts",
      "--account alice --repository backend/app --action pull,push",
      2,
      ["access[3]: matches, and grants pull", "granted pull of pull,push"],
    ],
    [
      "a label in place of the account's own",
      "--account alice --repository ops/app --label groups=ops",
      0,
      ["labels groups=ops", "access[3]: matches, and grants pull"],
    ],
    [
      "a file of rules",
      "--account alice --repository filed/app --action delete",
      0,
      ["access: no entry matches", "acl[1]: matches, and grants delete"],
    ],
    ["an entry that denies", "--account alice --repository filed/secret", 2, ["acl[0]: matches, and grants nothing"]],
    ["a role, by a group", "--account alice --repository shared/app", 0, ["roles", "grants pull"]],
    ["a role, for the catalog", "--account carol", 0, ["registry catalog: granted * of *"]],
    ["a hook", "--account alice --repository hooked/all --action push", 0, ["hookrules", "grants push"]],
    [
      "a hook, in part",
      "--account alice --repository hooked/part --action pull,push",
      2,
      ["granted pull of pull,push"],
    ],
    ["a hook that denies", "--account alice --repository hooked/none", 2, ["hookrules", "grants nothing"]],
    ["nothing", "--account alice --repository else/app", 2, ["hookrules: no entry matches"]],
    [
      "a rule for everyone, if no source knows the account,",
      "--account mallory --repository public/app",
      0,
      ["mallory (no source has looked the account up)", "access[0]: matches, and grants pull"],
    ],
    ["nothing, while a hook fails,", "--account alice --repository hooked/fails", 1, ["hookrules", "500"]],
  ])("says that %s decides", async (_, question, code, lines) => {
    const answer = await explain(question);
    for (const line of lines) expect(answer.said).toContain(line);
    expect(answer.code, answer.said).toBe(code);
  });

  it("refuses labels that it can't read", async () => {
    expect(await explain("--account alice --label groups")).toMatchObject({ code: 1 });
  });
});
