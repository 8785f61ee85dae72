import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { serveRegistry } from "./process.js";
import { randomContent, pushBlob } from "@longshore/testkit/fixtures";
import { beginUpload, startSlowPush, clientAt } from "./push.js";

const MIB = 1024 * 1024;

describe.each([1, 2])("a stop with %d worker(s)", (workers) => {
  it("lets a slow pull and a slow push finish, refuses new connections, and exits with 0", async () => {
    await using registry = await serveRegistry({ http: { workers, draintimeout: "30s" } });
    const { port } = registry;
    const pulled = randomContent(32 * MIB);
    const pushed = randomContent(2 * MIB);
    await pushBlob(clientAt(port), "a", pulled);

    const pull = await new Promise<IncomingMessage>((resolve) => {
      get({ port, host: "127.0.0.1", path: `/v2/a/blobs/${pulled.digest}`, agent: false }, resolve);
    });
    pull.pause();
    const push = startSlowPush(await beginUpload(port, "a", pushed.digest), pushed.bytes.length);
    await push.send(pushed.bytes.subarray(0, MIB));

    registry.kill("SIGTERM");
    await registry.logged("SIGTERM: no new connections");
    await expect.poll(() => isRefused(port)).toBe(true);

    expect((await buffer(pull)).equals(pulled.bytes)).toBe(true);
    expect(await push.finish(pushed.bytes.subarray(MIB))).toBe(201);
    expect(await registry.exited).toBe(0);
    expect(registry.stderr()).not.toContain("were cut");
  });

  it("cuts off requests that don't finish within http.draintimeout, and still exits with 0", async () => {
    await using registry = await serveRegistry({ http: { workers, draintimeout: "300ms" } });
    const blob = randomContent(MIB);
    const push = startSlowPush(await beginUpload(registry.port, "a", blob.digest), blob.bytes.length);
    await push.send(blob.bytes.subarray(0, 1000));
    await expect.poll(() => isReceiving(registry.folder, 1)).toBe(true);
    registry.kill("SIGINT");
    await expect(push.finish(blob.bytes.subarray(1000, 2000))).rejects.toThrow();
    expect(await registry.exited).toBe(0);
    expect(registry.stderr()).toContain("1 connections did not finish");
  });

  it("doesn't wait after a second signal", async () => {
    await using registry = await serveRegistry({ http: { workers, draintimeout: "1h" } });
    const blob = randomContent(MIB);
    const push = startSlowPush(await beginUpload(registry.port, "a", blob.digest), blob.bytes.length);
    await push.send(blob.bytes.subarray(0, 1000));
    await expect.poll(() => isReceiving(registry.folder, 1)).toBe(true);
    registry.kill("SIGTERM");
    await registry.logged("SIGTERM: no new connections");
    registry.kill("SIGTERM");
    expect(await registry.exited).toBe(143);
    await expect(push.finish(blob.bytes.subarray(1000, 2000))).rejects.toThrow();
  });
});

it("SIGUSR1, which is sometimes sent to rotate logs, opens no debugger", async () => {
  await using registry = await serveRegistry();
  registry.kill("SIGUSR1");
  for (let count = 0; count < 20; count += 1) await fetch(`http://127.0.0.1:${registry.port}/v2/`);
  registry.kill("SIGTERM");
  expect(await registry.exited).toBe(0);
  expect(registry.stderr()).not.toMatch(/debugger|inspector/i);
});

/** Whether the upload has reached the storage, so that it is under way for certain. */
async function isReceiving(folder: string, sessions: number): Promise<boolean> {
  const { readdir } = await import("node:fs/promises");
  const root = `${folder}/data/docker/registry/v2/repositories/a/_uploads`;
  const names = await readdir(root, { recursive: true }).catch(() => []);
  return names.filter((name) => /\/data\.[^/]+$/.test(name)).length >= sessions;
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}
