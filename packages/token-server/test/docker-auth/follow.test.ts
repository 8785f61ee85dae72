import type { AccessController, ChosenAccess } from "@longshore/auth";
import { testFolder } from "@longshore/testkit/test-folder";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { followFile, type AccessOfText } from "../../src/docker-auth/follow.js";
import { sourcePorts } from "../support.js";

const REQUEST = { method: "GET", headers: {}, remoteAddress: undefined, secure: true, peerCertificate: undefined };

/** Access control that says what it was read from, and does nothing until `held` is done. */
function controllerOf(text: string, closed: string[], held: Map<string, Promise<void>>): AccessController {
  const wait = async (): Promise<void> => held.get(text);
  return {
    name: "test",
    async authorize() {
      await wait();
      if (closed.includes(text)) throw new Error(`${text} was closed too early`);
      return { account: text, unrestricted: true };
    },
    tokens: {
      issue: () => Promise.resolve({ account: text, granted: [], document: {} }),
    },
    pages: ["/auth/page", ...(text.includes("login") ? ["/auth/login"] : [])].map((path) => ({
      path,
      methods: ["GET"],
      answer: () => Promise.resolve({ status: 200, headers: {}, body: text }),
    })),
    close() {
      closed.push(text);
      return Promise.resolve();
    },
  };
}

async function open() {
  const path = join(await testFolder(), "auth_config.yml");
  await writeFile(path, "first");
  let now = 1_000_000;
  const closed: string[] = [];
  const held = new Map<string, Promise<void>>();
  const chosenOf = (text: string): ChosenAccess => ({
    kind: "test",
    section: "tokenserver",
    options: {},
    sections: [],
    withoutRules: undefined,
    usesCertificates: false,
    remarks: [],
    open: ({ rules }) => {
      if (text.startsWith("unusable")) return Promise.reject(new Error("a file is missing"));
      return Promise.resolve(controllerOf(rules === undefined ? text : `${text} with rules`, closed, held));
    },
    createLogins: () => undefined,
    verify: () => Promise.resolve([]),
  });
  const load = (text: string): AccessOfText => {
    if (text.startsWith("malformed")) throw new Error("acl[0]: has no match");
    return { auth: chosenOf(text), rules: [], rest: text.includes("port") ? "other" : "rest" };
  };
  const followed = followFile(chosenOf("first"), { path, text: "first", rest: "rest", load });
  const ports = sourcePorts({ clock: () => now });
  const controller = await followed.open(ports);
  onTestFinished(() => controller.close());
  const account = async () => (await controller.authorize(REQUEST, [])).account;
  return {
    ...{ path, controller, closed, held, log: ports.log, account },
    advance: () => void (now += 2000),
    write: async (text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
      now += 2000;
    },
  };
}

describe("a file that access control was read from", () => {
  it("is what counts as soon as it has changed", async () => {
    const { account, write, controller, log } = await open();
    expect(await account()).toBe("first");
    await write("second");
    expect(await account()).toBe("second with rules");
    const request = { ...REQUEST, query: new URLSearchParams(), form: undefined };
    expect((await controller.tokens?.issue(request))?.account).toBe("second with rules");
    const page = { ...REQUEST, path: "/auth/page", query: new URLSearchParams(), body: new Uint8Array() };
    expect((await controller.pages?.[0]?.answer(page))?.body).toBe("second with rules");
    expect(log.lines.join("\n")).toContain("the configuration has changed and is in use");
  });

  it.each([
    ["malformed", "acl[0]: has no match"],
    ["unusable", "a file is missing"],
  ])("changes nothing if it is %s, which the log says once", async (text, reason) => {
    const { account, write, advance, closed, log } = await open();
    await write(text);
    for (let round = 0; round < 3; round += 1) {
      expect(await account()).toBe("first");
      advance();
    }
    const complaints = log.lines.filter((line) => line.includes("the former one stays in use"));
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(reason);
    await write("second");
    expect(await account()).toBe("second with rules");
    expect(closed).toEqual(["first"]);
  });

  it("lets requests end by what they began with, and closes that afterwards", async () => {
    const { controller, account, write, held, closed } = await open();
    // The file isn't looked at again before time goes on.
    await account();
    let release = (): void => undefined;
    held.set("first", new Promise((resolve) => (release = resolve)));
    const slow = controller.authorize(REQUEST, []);
    await write("second");
    expect(await account()).toBe("second with rules");
    expect(closed).toEqual([]);
    release();
    expect((await slow).account).toBe("first");
    expect(closed).toEqual(["first"]);
  });

  it("is in force when it is read again by command, which says what is wrong with it", async () => {
    const { controller, account, path } = await open();
    await writeFile(path, "malformed");
    await expect(controller.reload?.()).rejects.toMatchObject({ fault: { code: "INVALID_OPTIONS" } });
    await writeFile(path, "second");
    await controller.reload?.();
    expect(await account()).toBe("second with rules");
  });

  it("can't change where the server listens, which the log says", async () => {
    const { account, write, log } = await open();
    await write("another port");
    expect(await account()).toBe("another port with rules");
    expect(log.lines.join("\n")).toContain("takes effect at the next start");
  });

  it("can't add pages, which the log says", async () => {
    const { account, write, log, controller } = await open();
    await write("a login");
    expect(await account()).toBe("a login with rules");
    expect(controller.pages?.map(({ path }) => path)).toEqual(["/auth/page"]);
    expect(log.lines.join("\n")).toMatch(/a login was added .*restart the server.*"pages":"\/auth\/login"/);
    await write("second");
    await account();
    expect(log.lines.filter((line) => line.includes("a login was added"))).toHaveLength(1);
  });

  it("leaves nothing open when all is closed", async () => {
    const { controller, account, write, closed } = await open();
    await write("second");
    await account();
    await controller.close();
    expect(closed).toEqual(["first", "second with rules"]);
  });
});
