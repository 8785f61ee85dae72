import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { createBcryptPool, type BcryptPoolOptions } from "../../src/methods/htpasswd/bcrypt-pool.js";
import { dummyHash } from "../../src/methods/htpasswd/password-list.js";
import { LONG, SECRET } from "./support.js";

function pool(options: Partial<BcryptPoolOptions> = {}) {
  const made = createBcryptPool({ threads: 1, ...options });
  onTestFinished(() => made.close());
  return made;
}

const program = (source: string): URL => new URL(`data:text/javascript,${encodeURIComponent(source)}`);

describe("bcrypt threads", () => {
  it.each([
    ["secret", SECRET.a, true],
    ["secret", SECRET.b, true],
    ["secret", SECRET.y, true],
    ["Secret", SECRET.y, false],
    ["", SECRET.y, false],
    ["x".repeat(71), LONG, false],
    ["x".repeat(72), LONG, true],
    ["x".repeat(500), LONG, true],
    ["secret", dummyHash(4), false],
    ["secret", "nonsense", false],
  ])("%s with %s: %s", async (password, hash, right) => {
    expect(await pool().compare(password, hash)).toBe(right);
  });

  it.runIf(existsSync("/usr/bin/htpasswd"))("read what htpasswd -B writes", async () => {
    const line = execFileSync("/usr/bin/htpasswd", ["-nbB", "-C", "4", "jane", "pä:ss"], { encoding: "utf8" }).trim();
    const hash = line.slice("jane:".length);
    expect(hash).toMatch(/^\$2y\$04\$/);
    const threads = pool();
    expect(await threads.compare("pä:ss", hash)).toBe(true);
    expect(await threads.compare("pa:ss", hash)).toBe(false);
  });

  it("leave the event loop free", async () => {
    const threads = pool();
    await threads.compare("secret", SECRET.a);
    let turns = 0;
    const counter = setInterval(() => (turns += 1), 1);
    await threads.compare("secret", dummyHash(10));
    clearInterval(counter);
    // A comparison on the event loop would allow it only a turn or two.
    expect(turns).toBeGreaterThan(10);
  });

  it("are replaced when one crashes", async () => {
    const broken = pool({ program: program("throw new Error('broken')") });
    await expect(broken.compare("a", SECRET.a)).rejects.toThrow(/thread/);
    await expect(broken.compare("a", SECRET.a)).rejects.toThrow(/thread/);
    const dying = pool({
      program: program(
        "import {parentPort} from 'node:worker_threads'; parentPort.once('message', () => process.exit(1))",
      ),
    });
    await expect(dying.compare("a", SECRET.a)).rejects.toThrow(/ended/);
    await expect(dying.compare("a", SECRET.a)).rejects.toThrow(/ended/);
  });

  it("are abandoned when they take too long", async () => {
    const stuck = pool({
      program: program("import {parentPort} from 'node:worker_threads'; parentPort.on('message', () => {})"),
      timeout: 20,
    });
    await expect(stuck.compare("a", SECRET.a)).rejects.toThrow(/longer than 20 ms/);
    await expect(stuck.compare("a", SECRET.a)).rejects.toThrow(/longer than 20 ms/);
  });

  it("are waited for while all are busy, unless the caller gives up", async () => {
    const threads = pool();
    const gone = new AbortController();
    const first = threads.compare("secret", SECRET.a);
    const abandoned = threads.compare("secret", SECRET.a, gone.signal);
    const second = threads.compare("secret", SECRET.b);
    const reason = new Error("gone");
    gone.abort(reason);
    await expect(abandoned).rejects.toBe(reason);
    expect(await Promise.all([first, second])).toEqual([true, true]);
    await expect(threads.compare("secret", SECRET.a, gone.signal)).rejects.toBe(reason);
    expect(await threads.compare("secret", SECRET.y)).toBe(true);
  });

  it("end together with their work when they are closed", async () => {
    const closing = createBcryptPool({ threads: 1 });
    const running = closing.compare("secret", dummyHash(12));
    const ended = expect(running).rejects.toThrow(/ended/);
    await closing.close();
    await ended;
    await expect(closing.compare("secret", SECRET.a)).rejects.toThrow(/closed/);
    await closing.close();
  });
});
