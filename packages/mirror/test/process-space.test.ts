import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { isDeadProcess, thisProcess } from "../src/leases/process-space.js";

it("knows a process of this machine that has ended from one that lives, and says nothing of others", async () => {
  const own = thisProcess();
  if (own === undefined) return;
  const child = spawn(process.execPath, ["--eval", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
  const other = { ...own, pid: child.pid ?? 0 };
  expect(isDeadProcess(other)).toBe(false);
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  expect(isDeadProcess(other)).toBe(true);
  expect(isDeadProcess({ ...other, space: "another machine" })).toBe(false);
});
