import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { listen } from "@longshore/testkit/loopback";
import { verifyCache } from "../../src/cli/verify/verify-cache.js";
import { formatFinding } from "../../src/config/findings.js";
import { configOf } from "../config/support.js";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A server that answers every packet; its port. */
async function answerWith(answer: (text: string, socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => answer(bytes.toString("latin1"), socket));
  });
  const { port, close } = await listen(server);
  stops.push(close);
  return port;
}

const requestOf = (patience: number) => ({ remote: true, patience, now: new Date() });

async function findings(port: number, more = "", patience = 2000): Promise<string[]> {
  const config = configOf(
    `version: 0.1\nstorage: {inmemory: , cache: {blobdescriptor: redis}}\nredis: {addrs: ["127.0.0.1:${port}"], protocol: 2${more}}\n`,
  );
  return (await verifyCache(config, requestOf(patience))).map(formatFinding);
}

describe("verify looks at Redis", () => {
  it("only where it is used", async () => {
    expect(
      await verifyCache(
        configOf("version: 0.1\nstorage: inmemory\nredis: {addrs: ['127.0.0.1:9']}\n"),
        requestOf(2000),
      ),
    ).toEqual([]);
  });

  it("that isn't there", async () =>
    expect(await findings(9)).toEqual([
      expect.stringMatching(
        /^redis: Redis at 127\.0\.0\.1:9 can't be used: .*ECONNREFUSED.*; until it can, the registry looks in the storage instead$/,
      ),
    ]));

  it("that doesn't respond", async () => {
    const port = await answerWith(() => undefined);
    expect(await findings(port, "", 200)).toEqual([expect.stringContaining("no answer within 0.2 s")]);
  });

  it("that wants a password", async () => {
    const port = await answerWith((_, socket) => void socket.write("-NOAUTH Authentication required.\r\n".repeat(5)));
    expect(await findings(port)).toEqual([expect.stringContaining("NOAUTH")]);
  });

  it("with a different password, which isn't shown", async () => {
    const port = await answerWith(
      (_, socket) => void socket.write("-WRONGPASS invalid username-password pair\r\n".repeat(5)),
    );
    const [line, ...others] = await findings(port, ", password: hunter2");
    expect(others).toEqual([]);
    expect(line).toContain("WRONGPASS");
    expect(line).not.toContain("hunter2");
  });
});
