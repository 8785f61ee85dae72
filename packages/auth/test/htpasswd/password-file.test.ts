import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { testFolder } from "@longshore/testkit/test-folder";
import { describe, expect, it } from "vitest";
import { openPasswordFile } from "../../src/methods/htpasswd/password-file.js";
import { movableClock, recordingLog, SECRET } from "./support.js";

async function opened(text: string) {
  const path = join(await testFolder(), "htpasswd");
  await writeFile(path, text);
  const log = recordingLog();
  const clock = movableClock(Date.now());
  const file = await openPasswordFile({ path, log, clock });
  /** The users who can log in at the next check. */
  const next = async (after = 1_000): Promise<string[]> => {
    clock.advance(after);
    await file.check();
    return [...file.value.hashes.keys()];
  };
  return { path, log, file, next };
}

const JANE = `jane:${SECRET.b}\n`;
const JOHN = `john:${SECRET.b}\n`;

describe("a password file", () => {
  it("is reloaded: added users can log in and removed users can't, from the next check on", async () => {
    const { path, next } = await opened(JANE);
    await writeFile(path, JANE + JOHN);
    expect(await next()).toEqual(["jane", "john"]);
    await writeFile(path, JOHN);
    expect(await next()).toEqual(["john"]);
  });

  it("is reloaded when another file of the same size replaces it", async () => {
    const { path, next } = await opened(JANE);
    await writeFile(`${path}.new`, JOHN);
    await rename(`${path}.new`, path);
    expect(await next()).toEqual(["john"]);
  });

  it("logs bad lines by number, without their content", async () => {
    const { log } = await opened(`${JANE}my secret password\nold:$apr1$x$y\n`);
    expect(log.lines.map(({ level, fields }) => [level, fields["line"]])).toEqual([
      ["warn", 2],
      ["warn", 3],
    ]);
    expect(JSON.stringify(log.lines)).not.toMatch(/my secret|apr1/);
  });

  it("keeps its users while it is missing", async () => {
    const { path, log, next } = await opened(JANE);
    await rm(path);
    expect(await next()).toEqual(["jane"]);
    expect(await next(60_000)).toEqual(["jane"]);
    expect(log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    await writeFile(path, JOHN);
    expect(await next()).toEqual(["john"]);
  });

  it.each([
    ["empty", ""],
    ["cut off in a hash", JOHN.slice(0, -8)],
    ["cut off in a name", `${JANE}jo`],
  ])("keeps its users while it is %s, until it is rewritten", async (_title, text) => {
    const { path, log, next } = await opened(JANE);
    await writeFile(path, text);
    expect(await next()).toEqual(["jane"]);
    expect(log.lines.at(-1)?.level).toBe("error");
    await writeFile(path, JANE + JOHN);
    expect(await next()).toEqual(["jane", "john"]);
  });

  it("admits no user once it stays empty", async () => {
    const { path, log, next } = await opened(JANE);
    await writeFile(path, "");
    expect(await next()).toEqual(["jane"]);
    expect(await next(4_000)).toEqual(["jane"]);
    expect(await next(1_000)).toEqual([]);
    expect(log.lines.some(({ message }) => message.includes("no one can log in"))).toBe(true);
  });

  it("uses its good lines if the last one stays truncated", async () => {
    const { path, next } = await opened(JANE);
    await writeFile(path, `${JOHN}jane:$2y$`);
    await next();
    expect(await next(5_000)).toEqual(["john"]);
  });

  it("may be empty at the start", async () => {
    const { file } = await opened("");
    expect(file.value.hashes.size).toBe(0);
  });

  it("is refused at the start if it can't be read", async () => {
    const folder = await testFolder();
    const options = { log: recordingLog(), clock: Date.now };
    await expect(openPasswordFile({ ...options, path: folder })).rejects.toThrow();
    await expect(openPasswordFile({ ...options, path: join(folder, "none") })).rejects.toThrow(/ENOENT/);
  });
});
