import { hasErrno } from "@longshore/base/errno";
import { mkdir, open, readFile, rmdir, stat, unlink, utimes, writeFile, type FileHandle } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FILE_MODE } from "./files.js";

/** A directory that belongs to this process alone while it lives. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/** The owner's socket: it accepts connections exactly as long as the owner lives. */
const SOCKET = "lock";
/** Which kernel the owner runs on, and, by its age, whether it lives: for those on other machines. */
const OWNER = "owner";
/** Only the holder of this may replace a dead owner's socket. */
const TAKEOVER = "takeover";
const HEARTBEAT = 10_000;
/** An owner on another machine that was silent for this long is dead (ms). */
const SILENT = 60_000;
/** Replacing takes a few milliseconds; a process that still holds it after this time (ms) has died. */
const TAKEOVER_LIMIT = 10_000;
/** Linux: sun_path has 108 bytes. */
const SOCKET_PATH_LIMIT = 100;

/**
 * Takes `directory`, which exists, for this process; undefined where another one has it. A socket and not a file with a
 * process id: containers have numbers of their own, and a number is soon used again. Throws where the file system knows no
 * sockets.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock | undefined> {
  const kernel = await kernelId();
  const reach = await openReach(directory);
  try {
    const server = await listen(reach.path).catch(async (error: unknown) => {
      if (!hasErrno(error, "EADDRINUSE")) throw error;
      if (await isAlive(directory, reach.path, kernel)) return undefined;
      return takeOver(directory, reach.path, kernel);
    });
    if (server === undefined) {
      await reach.close();
      return undefined;
    }
    return await hold(directory, server, kernel, reach);
  } catch (error) {
    await reach.close();
    throw error;
  }
}

async function hold(directory: string, server: Server, kernel: string, reach: Reach): Promise<DirectoryLock> {
  const owner = join(directory, OWNER);
  await writeFile(owner, JSON.stringify({ kernel, host: hostname(), pid: process.pid }), { mode: FILE_MODE });
  const timer = setInterval(() => {
    const now = new Date();
    void utimes(owner, now, now).catch(() => undefined);
  }, HEARTBEAT);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      await unlink(owner).catch(() => undefined);
      // Closing the server removes its socket.
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await reach.close();
    },
  };
}

/** Replaces a dead owner's socket by ours; undefined if another process was faster. */
async function takeOver(directory: string, path: string, kernel: string): Promise<Server | undefined> {
  const guard = join(directory, TAKEOVER);
  if (!(await holdGuard(guard))) return undefined;
  try {
    if (await isAlive(directory, path, kernel)) return undefined;
    await unlink(path).catch(() => undefined);
    return await listen(path).catch((error: unknown) => {
      if (hasErrno(error, "EADDRINUSE")) return undefined;
      throw error;
    });
  } finally {
    await rmdir(guard).catch(() => undefined);
  }
}

async function holdGuard(guard: string): Promise<boolean> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    try {
      await mkdir(guard);
      return true;
    } catch (error) {
      if (!hasErrno(error, "EEXIST")) throw error;
    }
    const made = await stat(guard).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > TAKEOVER_LIMIT) await rmdir(guard).catch(() => undefined);
    else await delay(50);
  }
  return false;
}

/** Whether the socket's owner lives. On this kernel its socket answers; for another machine, only the file's age tells. */
async function isAlive(directory: string, path: string, kernel: string): Promise<boolean> {
  if (await answers(path)) return true;
  const owner = join(directory, OWNER);
  const text = await readFile(owner, "utf8").catch(() => "");
  if (text === "" || text.includes(kernel)) return false;
  const { mtimeMs } = await stat(owner);
  return (await storageNow(directory)) - mtimeMs < SILENT;
}

/** The time by the file system's clock, which may be another machine's. */
async function storageNow(directory: string): Promise<number> {
  const probe = join(directory, `probe.${process.pid}`);
  await writeFile(probe, "", { mode: FILE_MODE });
  const { mtimeMs } = await stat(probe);
  await unlink(probe).catch(() => undefined);
  return mtimeMs;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => resolve(!hasErrno(error, "ECONNREFUSED", "ENOENT")));
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    // Not shared with the primary of a cluster: the lock is this process's.
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** A path to the socket that is short enough. */
interface Reach {
  readonly path: string;
  close(): Promise<void>;
}

async function openReach(directory: string): Promise<Reach> {
  const path = join(directory, SOCKET);
  if (Buffer.byteLength(path) <= SOCKET_PATH_LIMIT) return { path, close: () => Promise.resolve() };
  const handle: FileHandle = await open(directory, "r");
  return { path: `/proc/self/fd/${handle.fd}/${SOCKET}`, close: () => handle.close() };
}

/** Tells one running kernel from another: machines, and one machine before and after a reboot. */
async function kernelId(): Promise<string> {
  const id = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => hostname());
  return id.trim();
}
