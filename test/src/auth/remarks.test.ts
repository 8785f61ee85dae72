import { describe, expect, it } from "vitest";
import { serveRegistry } from "../server/process.js";
import { askPort, basic, passwordLine } from "./support.js";

describe("a password file with a line that admits no user", () => {
  it("is reported once, however many workers read it, and the other users can log in", async () => {
    await using registry = await serveRegistry({
      http: { workers: 3 },
      rest: { auth: { htpasswd: { realm: "r", path: "FOLDER/htpasswd" } } },
      files: { htpasswd: `${passwordLine("jane", "secret").trim()}:since 2019\nmd5:$apr1$a$b\n` },
    });
    const answer = await askPort(registry.port, { path: "/v2/", headers: { authorization: basic("jane", "secret") } });
    expect(answer.status).toBe(200);
    registry.kill("SIGTERM");
    await registry.exited;
    expect(registry.stderr().match(/htpasswd: line 2/g)).toHaveLength(1);
  });
});
