import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { StorageDriver } from "../../../src/contract/driver.js";
import type { UploadStore } from "../../../src/contract/upload-store.js";
import { createFilesystemDriver } from "../../../src/drivers/filesystem/driver.js";
import { uploadDirectory } from "../../../src/layout/paths.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { bodyOf, digestBy, expectBlob, NAME, until } from "./support.js";

const KIB = 1024;
const PROGRAM = fileURLToPath(new URL("append-process.ts", import.meta.url));
const LOADER = new URL("typescript-loader.mjs", import.meta.url).href;
const outcome = z.union([z.object({ size: z.number() }), z.object({ code: z.string() })]);

/** An append in a separate process. */
interface Appender {
  readonly child: ChildProcess;
  send(chunk: Uint8Array): void;
  end(): void;
  readonly outcome: Promise<z.infer<typeof outcome>>;
}

/** Each test starts processes, which takes seconds on a busy machine. */
describe("uploads in several processes", { timeout: 60_000 }, () => {
  let root: string;
  let remove: () => Promise<void>;
  let driver: StorageDriver;
  let uploads: UploadStore;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    ({ path: root, remove } = await makeTemporaryFolder("uploads"));
    driver = createFilesystemDriver({ rootdirectory: root });
    uploads = createUploads(driver).store(NAME);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await driver.close();
    await remove();
  });

  const append = async (uuid: string, offset = 0): Promise<Appender> => {
    const child = fork(PROGRAM, [root, NAME, uuid, String(offset)], { execArgv: ["--import", LOADER] });
    children.push(child);
    const [first] = (await once(child, "message")) as unknown[];
    const ended =
      first === "ready"
        ? once(child, "message").then(([data]: unknown[]) => outcome.parse(data))
        : outcome.parse(first);
    return {
      child,
      send: (chunk) => void child.send({ chunk: Buffer.from(chunk).toString("base64") }),
      end: () => void child.send({ end: true }),
      outcome: Promise.resolve(ended),
    };
  };
  const reached = (uuid: string, size: number): Promise<void> =>
    until(async () => (await uploads.status(uuid)).size === size);

  it("have one writer at a time: the newcomer's bytes count, and the stalled one gets an error", async () => {
    const bytes = randomBytes(256 * KIB);
    const { uuid } = await uploads.start();
    const stalled = await append(uuid);
    stalled.send(bytes.subarray(0, 128 * KIB));
    await reached(uuid, 128 * KIB);
    const newcomer = await append(uuid, 128 * KIB);
    newcomer.send(bytes.subarray(128 * KIB));
    newcomer.end();
    expect(await newcomer.outcome).toEqual({ size: 256 * KIB });
    stalled.send(randomBytes(128 * KIB));
    await uploads.commit(uuid, digestBy(bytes), undefined);
    stalled.send(randomBytes(128 * KIB));
    stalled.end();
    expect(await stalled.outcome).toEqual({ code: "UPLOAD_TAKEN_OVER" });
    await expectBlob(driver, digestBy(bytes), bytes);
  });

  it("let one of two simultaneous appends win", async () => {
    const { uuid } = await uploads.start();
    const both = await Promise.all([append(uuid), append(uuid)]);
    const parts = both.map((_one, index) => Buffer.alloc(100 * KIB, index + 1));
    for (const [index, one] of both.entries()) {
      if (!one.child.connected) continue;
      one.send(parts[index] ?? Buffer.alloc(0));
      one.end();
    }
    const outcomes = await Promise.all(both.map((one) => one.outcome));
    const winner = outcomes.findIndex((one) => "size" in one);
    expect(outcomes.filter((one) => "size" in one)).toEqual([{ size: 100 * KIB }]);
    expect(outcomes.filter((one) => "code" in one)).toEqual([{ code: "UPLOAD_TAKEN_OVER" }]);
    const whole = parts[winner] ?? Buffer.alloc(0);
    await uploads.commit(uuid, digestBy(whole), undefined);
    await expectBlob(driver, digestBy(whole), whole);
  });

  it("resume after a process was killed in the middle of an append", async () => {
    const bytes = randomBytes(400 * KIB);
    const { uuid } = await uploads.start();
    const killed = await append(uuid);
    killed.send(bytes.subarray(0, 192 * KIB));
    await reached(uuid, 192 * KIB);
    const gone = once(killed.child, "exit");
    killed.child.kill("SIGKILL");
    await gone;
    killed.outcome.catch(() => undefined);
    const { size } = await uploads.status(uuid);
    expect(size).toBe(192 * KIB);
    await uploads.append(uuid, { ...bodyOf(bytes.subarray(size, 300 * KIB)), offset: size });
    expect((await driver.list(uploadDirectory(NAME, uuid))).names.filter((name) => name !== "digests")).toEqual([
      "data",
      "startedat",
    ]);
    await uploads.commit(uuid, digestBy(bytes), { ...bodyOf(bytes.subarray(300 * KIB)), offset: 300 * KIB });
    await expectBlob(driver, digestBy(bytes), bytes);
  });
});
