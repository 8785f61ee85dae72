import { readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import bcrypt from "bcryptjs";
import { testFolder } from "@longshore/testkit/test-folder";
import { describe, expect, it } from "vitest";
import { provisionPasswordFile } from "../../src/methods/htpasswd/provision.js";
import { recordingLog } from "./support.js";

describe("a missing password file", () => {
  it("is created for the user docker, with a password that is logged", async () => {
    const folder = await testFolder();
    const path = join(folder, "a", "b", "htpasswd");
    const log = recordingLog();
    await provisionPasswordFile(path, log);

    const [line, ...others] = log.lines;
    expect(others).toEqual([]);
    expect(line).toMatchObject({ level: "warn", message: "htpasswd is missing, provisioning with default user" });
    expect(line?.fields["user"]).toBe("docker");
    const password = String(line?.fields["password"]);
    expect(password).toMatch(/^[\w-]{43}$/);

    const text = await readFile(path, "utf8");
    expect(text).toMatch(/^docker:\$2[aby]\$10\$[./\w]{53}$/);
    expect(bcrypt.compareSync(password, text.slice("docker:".length))).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "a"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, "a", "b"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, "a", "b"))).toEqual(["htpasswd"]);
  });

  it("is created once by processes that start together, and only its creator logs a password", async () => {
    const path = join(await testFolder(), "htpasswd");
    const logs = [recordingLog(), recordingLog(), recordingLog()];
    await Promise.all(logs.map((log) => provisionPasswordFile(path, log)));
    const [shown, ...others] = logs.flatMap(({ lines }) => lines);
    expect(others).toEqual([]);
    const hash = (await readFile(path, "utf8")).slice("docker:".length);
    expect(bcrypt.compareSync(String(shown?.fields["password"]), hash)).toBe(true);
  });

  it("is left alone if it exists, even if it is empty", async () => {
    const path = join(await testFolder(), "htpasswd");
    await writeFile(path, "");
    const log = recordingLog();
    await provisionPasswordFile(path, log);
    expect(await readFile(path, "utf8")).toBe("");
    expect(log.lines).toEqual([]);
  });

  it("isn't created, and no password is logged, if something else is in its place", async () => {
    const folder = await testFolder();
    await writeFile(join(folder, "file"), "");
    await symlink(join(folder, "nowhere", "x"), join(folder, "dangling"));
    const log = recordingLog();
    // Below a file: not missing; the reader reports the error.
    await provisionPasswordFile(join(folder, "file", "htpasswd"), log);
    await provisionPasswordFile(join(folder, "dangling"), log);
    expect((await readdir(folder)).sort()).toEqual(["dangling", "file"]);
    expect(log.lines).toEqual([]);
  });
});
