import type { Attempt, LoginRegistrar } from "@longshore/auth";
import { describe, expect, it } from "vitest";
import { openLoginDesk } from "../../src/server/processes/login-desk.js";
import type { PrimaryMessage, WorkerMessage } from "../../src/server/processes/primary-channel.js";
import { createWorkerLogins } from "../../src/server/processes/worker-logins.js";

/** A registrar that gives leave when it is told to, and notes what became of it. */
function controlled() {
  const asked: ((wait: number) => void)[] = [];
  const settled: string[] = [];
  const registrar: LoginRegistrar = {
    begin: (account) =>
      new Promise<Attempt>((resolve) =>
        asked.push((wait) =>
          resolve({ wait, settle: (outcome) => Promise.resolve(void settled.push(`${account} ${outcome}`)) }),
        ),
      ),
  };
  return { registrar, asked, settled };
}

/** A worker and the desk that the primary has for it. */
function joined(patience: number, registrar: LoginRegistrar | undefined) {
  const desk = openLoginDesk(registrar);
  const listeners: ((message: PrimaryMessage) => void)[] = [];
  let connected = true;
  const tell = (message: WorkerMessage): boolean => {
    if (connected && (message.kind === "login" || message.kind === "login-settled"))
      void desk.handle(message).then((answer) => {
        for (const listener of listeners) listener(answer);
      });
    return connected;
  };
  const logins = createWorkerLogins({ tell, onMessage: (listener) => void listeners.push(listener) }, patience);
  return { desk, logins, disconnect: () => void (connected = false) };
}

describe("the account of failed logins between a worker and the primary", () => {
  it("is asked for permission and told the outcome", async () => {
    const { registrar, asked, settled } = controlled();
    const { logins } = joined(10_000, registrar);
    const first = logins.begin("jane", "192.0.2.1");
    const second = logins.begin("john", "192.0.2.1");
    asked[1]?.(700);
    asked[0]?.(0);
    expect((await second).wait).toBe(700);
    const { wait, settle } = await first;
    expect(wait).toBe(0);
    await settle("wrong");
    expect(settled).toEqual(["jane wrong"]);
  });

  it("isn't waited for without end, and leave that comes too late is given back", async () => {
    const { registrar, asked, settled } = controlled();
    const { logins } = joined(20, registrar);
    await expect(logins.begin("jane", undefined)).rejects.toThrow("doesn't reply");
    asked[0]?.(0);
    await expect.poll(() => settled).toEqual(["jane unknown"]);
  });

  it("gives back the attempts of a worker that ends", async () => {
    const { registrar, asked, settled } = controlled();
    const { desk, logins } = joined(10_000, registrar);
    const begun = logins.begin("jane", undefined);
    void logins.begin("john", undefined).catch(() => undefined);
    asked[0]?.(0);
    await begun;
    desk.close();
    expect(settled).toEqual(["jane unknown"]);
    asked[1]?.(0);
    await expect.poll(() => settled).toEqual(["jane unknown", "john unknown"]);
  });

  it("can't be asked once the primary has exited, and permits logins that aren't throttled", async () => {
    const { logins, disconnect } = joined(10_000, undefined);
    expect((await logins.begin("jane", undefined)).wait).toBe(0);
    disconnect();
    await expect(logins.begin("jane", undefined)).rejects.toThrow("exited");
  });
});
