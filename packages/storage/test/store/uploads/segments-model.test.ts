import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runLength } from "@longshore/testkit/run-length";
import type { FileWriter, StorageDriver } from "../../../src/contract/driver.js";
import type { ObjectStorage } from "../../../src/contract/object-storage.js";
import type { UploadBody, UploadStore } from "../../../src/contract/upload-store.js";
import { isStorageError } from "../../../src/errors.js";
import { blobData, BLOBS_DIRECTORY, uploadSegment, uploadState } from "../../../src/layout/paths.js";
import { parseUploadState } from "../../../src/store/uploads/state.js";
import { createUploads } from "../../../src/store/uploads/uploads.js";
import { createInMemoryObjectStorage } from "../../drivers/in-memory-object-storage.js";
import { digestBy, NAME } from "./support.js";

/*
 * Requests from several clients for one session, at two processes, in any order of their calls to the storage, with processes
 * that are killed before or after any call and restarted. The model is what was acknowledged.
 */

/** One request. */
interface Operation {
  readonly process: number;
  readonly kind: "append" | "commit" | "commit-with-body" | "status" | "cancel";
  readonly length: number;
  /** Whether the body breaks off midway. */
  readonly broken: boolean;
  readonly announced: boolean;
}

interface Run {
  /** The requests of each client, in order. */
  readonly clients: readonly (readonly Operation[])[];
  /** The numbers of the storage calls, counted over all processes, at which the calling process is killed. */
  readonly kills: readonly number[];
  /** Which of the waiting calls comes next. */
  readonly choices: readonly number[];
  readonly conditionalWrites: boolean;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  process: fc.nat({ max: 1 }),
  kind: fc.constantFrom("append", "append", "append", "commit", "commit-with-body", "status", "cancel"),
  // Often too few for another append to follow.
  length: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 14 })),
  broken: fc.boolean(),
  announced: fc.boolean(),
});

const runs = (conditionalWrites: boolean, kinds: (kind: Operation["kind"]) => boolean): fc.Arbitrary<Run> =>
  fc.record({
    clients: fc.array(
      fc.array(
        operation.filter(({ kind }) => kinds(kind)),
        { minLength: 1, maxLength: 5 },
      ),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    kills: fc.array(fc.nat({ max: 60 }), { maxLength: 4 }),
    choices: fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 60 }),
    conditionalWrites: fc.constant(conditionalWrites),
  });

const never = (): Promise<never> => new Promise(() => undefined);

/** Lets one call at a time proceed, and kills processes as planned. */
class World {
  readonly #waiting: { readonly process: Process; readonly go: () => void }[] = [];
  readonly #kills: Set<number>;
  readonly #choices: readonly number[];
  #steps = 0;

  constructor({ kills, choices }: Run) {
    this.#kills = new Set(kills);
    this.#choices = choices;
  }

  async pass(process: Process): Promise<void> {
    if (!process.isDead) await new Promise<void>((go) => this.#waiting.push({ process, go }));
    return process.isDead ? never() : undefined;
  }

  /** Runs until nothing waits any more. */
  async run(): Promise<void> {
    for (;;) {
      // By then everything that can proceed on its own has done so.
      await new Promise((resolve) => setImmediate(resolve));
      const choice = this.#choices[this.#steps % this.#choices.length] ?? 0;
      const [next] = this.#waiting.splice(choice % Math.max(this.#waiting.length, 1), 1);
      if (next === undefined) return;
      if (this.#kills.has(this.#steps)) next.process.kill();
      this.#steps += 1;
      next.go();
    }
  }
}

interface Process {
  isDead: boolean;
  /** Rejects with {@link BrokenOff}, as clients see it. */
  readonly died: Promise<never>;
  kill(): void;
}

function startProcess(): Process {
  let reject: (error: BrokenOff) => void = () => undefined;
  const died = new Promise<never>((_, rejectDied) => {
    reject = rejectDied;
  });
  died.catch(() => undefined);
  const process: Process = {
    isDead: false,
    died,
    kill: () => {
      process.isDead = true;
      reject(new BrokenOff());
    },
  };
  return process;
}

/** The driver of `process`: a call may take effect or not, and be answered or not, when the process is killed. */
function driverOf(
  driver: StorageDriver & ObjectStorage,
  process: Process,
  world: World,
): StorageDriver & ObjectStorage {
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    await world.pass(process);
    // A refusal also arrives only after a while.
    const result = await call().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    await world.pass(process);
    return result();
  };
  const writerOf = (writer: FileWriter): FileWriter => ({
    get size() {
      return writer.size;
    },
    write: (chunk) => around(() => writer.write(chunk)),
    commit: () => around(() => writer.commit()),
    close: () => around(() => writer.close()),
    cancel: () => around(() => writer.cancel()),
  });
  return {
    ...driver,
    read: (...call) => around(() => driver.read(...call)),
    write: (...call) => around(() => driver.write(...call)),
    stat: (...call) => around(() => driver.stat(...call)),
    open: (...call) => around(() => driver.open(...call)),
    writer: async (...call) => writerOf(await driver.writer(...call)),
    list: (...call) => around(() => driver.list(...call)),
    compose: (...call) => around(() => driver.compose(...call)),
    readVersioned: (...call) => around(() => driver.readVersioned(...call)),
    writeVersioned: (...call) => around(() => driver.writeVersioned(...call)),
    deleteFiles: (...call) => around(() => driver.deleteFiles(...call)),
  };
}

/** The session's bytes; undefined if there is no session. Throws if one of its segments is missing. */
async function contentOf(driver: StorageDriver, uuid: string): Promise<Buffer | undefined> {
  const state = await driver.read(uploadState(NAME, uuid)).then(parseUploadState, () => undefined);
  if (state === undefined) return undefined;
  const parts = await Promise.all(state.segments.map(({ id }) => driver.read(uploadSegment(NAME, uuid, id))));
  const content = Buffer.concat(parts);
  if (state.digest !== undefined) expect(digestBy(content)).toBe(state.digest);
  return content;
}

async function expectSoundBlobs(driver: StorageDriver): Promise<void> {
  const names = async (path: string): Promise<readonly string[]> =>
    driver.list(path).then(
      (page) => page.names.map((name) => `${path}/${name}`),
      () => [],
    );
  for (const prefix of await names(`${BLOBS_DIRECTORY}/sha256`)) {
    for (const directory of await names(prefix)) {
      const bytes = await driver.read(`${directory}/data`);
      expect(digestBy(bytes)).toBe(`sha256:${directory.slice(directory.lastIndexOf("/") + 1)}`);
    }
  }
}

/** An acknowledged append. */
interface Acknowledged {
  readonly from: number;
  readonly bytes: Buffer;
}

/** Runs the scenario, and checks the invariants afterwards. */
async function check(run: Run): Promise<void> {
  const { driver } = createInMemoryObjectStorage({
    smallestPart: 4,
    partSize: 5,
    largestWrite: 9,
    conditionalWrites: run.conditionalWrites,
  });
  const { uuid } = await createUploads(driver).store(NAME).start();
  const world = new World(run);
  const start = (): { readonly process: Process; readonly store: UploadStore } => {
    const process = startProcess();
    return { process, store: createUploads(driverOf(driver, process, world)).store(NAME) };
  };
  const processes = [start(), start()];
  const acknowledged: Acknowledged[] = [];
  /** Requests that end the session, or may have ended it before their process was killed. */
  const ending = new Set<number>();

  const perform = async ({ process: number, kind, length, broken, announced }: Operation, index: number) => {
    await world.pass(startProcess());
    if (processes[number]?.process.isDead !== false) processes[number] = start();
    const { store, process } = processes[number];
    const told = <T>(answer: Promise<T>): Promise<T> => Promise.race([answer, process.died]);
    const bytes = Buffer.from(Array.from({ length }, (_, at) => index * 16 + at));
    const before = (await contentOf(driver, uuid).catch(() => undefined)) ?? Buffer.alloc(0);
    const body: UploadBody = {
      bytes: broken ? brokenBody(bytes) : wholeBody(bytes),
      offset: before.length,
      length: announced ? length : undefined,
    };
    if (kind !== "append" && kind !== "status") ending.add(index);
    try {
      if (kind === "status") expect((await told(store.status(uuid))).size).toBeLessThanOrEqual(8 * 14);
      if (kind === "append") {
        const { size } = await told(store.append(uuid, body));
        acknowledged.push({ from: size - length, bytes });
      }
      if (kind === "cancel") await told(store.cancel(uuid));
      if (kind === "commit") await told(store.commit(uuid, digestBy(before), undefined));
      if (kind === "commit-with-body") await told(store.commit(uuid, digestBy(Buffer.concat([before, bytes])), body));
      if (kind.startsWith("commit")) {
        const whole = kind === "commit" ? before : Buffer.concat([before, bytes]);
        expect(Buffer.compare(await driver.read(blobData(digestBy(whole))), whole)).toBe(0);
      }
    } catch (error) {
      if (!(error instanceof BrokenOff) && !isStorageError(error)) throw error;
      // A client with this error leaves the session to the others.
      if (isStorageError(error, "UPLOAD_TAKEN_OVER") || isStorageError(error, "UPLOAD_OFFSET_INVALID")) {
        ending.delete(index);
      }
    }
  };

  const failures: unknown[] = [];
  let index = 0;
  const client = async (operations: readonly Operation[]): Promise<void> => {
    for (const one of operations) await perform(one, (index += 1));
  };
  for (const operations of run.clients) client(operations).catch((error: unknown) => failures.push(error));
  await world.run();
  if (failures.length > 0) throw failures[0];

  await expectSoundBlobs(driver);
  if (!run.conditionalWrites) {
    await finish(driver, uuid).catch((error: unknown) => {
      if (!isStorageError(error)) throw error;
    });
    return expectSoundBlobs(driver);
  }
  const content = await finish(driver, uuid);
  if (content === undefined) return void expect(ending.size).toBeGreaterThan(0);
  if (ending.size === 0) {
    for (const { from, bytes } of acknowledged) {
      expect(Buffer.compare(content.subarray(from, from + bytes.length), bytes), "an acknowledged append").toBe(0);
    }
  }
  await expectSoundBlobs(driver);
}

/** Commits the session at a process that knows nothing of its history. Resolves to its bytes. */
async function finish(driver: StorageDriver & ObjectStorage, uuid: string): Promise<Buffer | undefined> {
  const state = await driver.read(uploadState(NAME, uuid)).catch(() => undefined);
  if (state === undefined) return undefined;
  const segments = parseUploadState(state).segments.map(({ id }) => driver.read(uploadSegment(NAME, uuid, id)));
  const content = Buffer.concat(await Promise.all(segments));
  await createUploads(driver).store(NAME).commit(uuid, digestBy(content), undefined);
  expect(Buffer.compare(await driver.read(blobData(digestBy(content))), content)).toBe(0);
  return content;
}

class BrokenOff extends Error {}

async function* wholeBody(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 4) yield await Promise.resolve(bytes.subarray(at, at + 4));
}

async function* brokenBody(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes.subarray(0, bytes.length / 2));
  throw new BrokenOff();
}

const settings = { numRuns: runLength({ short: 50, long: 1000 }) };
/** For all runs on a busy machine, in ms. */
const TIMEOUT = 600_000;

const appending = (kind: Operation["kind"]): boolean => kind === "append" || kind === "status";
const anything = (): boolean => true;

describe("sessions over object storage, with calls in any order and killed processes", () => {
  it.each([
    ["lose no acknowledged append", runs(true, appending)],
    ["commit no wrong blob while sessions are committed and cancelled", runs(true, anything)],
    ["commit no wrong blob if the storage has no conditional writes", runs(false, anything)],
  ])("%s", (_, some) => fc.assert(fc.asyncProperty(some, check), settings), TIMEOUT);
});
