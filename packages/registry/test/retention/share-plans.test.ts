import { aborted } from "@longshore/base/abort";
import { parseRepositoryName, type RepositoryName } from "@longshore/storage";
import { expect, it } from "vitest";
import { sharePlans } from "../../src/retention/share-plans.js";

const [one, other] = ["team/one", "team/other"].map((name) => parseRepositoryName(name)) as [
  RepositoryName,
  RepositoryName,
];
const signal = new AbortController().signal;

/** A clock that the plans move, and what was planned. */
function planner(took: number) {
  let time = 1000;
  let running = 0;
  const planned: string[] = [];
  const plan = sharePlans(
    async (name) => {
      running += 1;
      expect(running).toBe(1);
      planned.push(name);
      await Promise.resolve();
      time += took;
      running -= 1;
      return [];
    },
    () => time,
  );
  return { plan, planned, pass: (ms: number) => void (time += ms) };
}

it("a plan that takes long is made once for all who ask, one at a time, and kept while it is new", async () => {
  const { plan, planned, pass } = planner(200);
  await Promise.all([plan(one, signal), plan(other, signal), plan(one, signal), plan(other, signal)]);
  await plan(one, signal);
  expect(planned).toEqual([one, other]);
  pass(4001);
  await plan(one, signal);
  expect(planned).toEqual([one, other, one]);
});

it("a plan that takes no time is always a new one", async () => {
  const { plan, planned } = planner(1);
  await plan(one, signal);
  await plan(one, signal);
  expect(planned).toEqual([one, one]);
});

it("a plan that fails isn't kept", async () => {
  let calls = 0;
  const plan = sharePlans(() => {
    calls += 1;
    return calls === 1 ? Promise.reject(new Error("away")) : Promise.resolve([]);
  });
  await expect(plan(one, signal)).rejects.toThrow("away");
  expect(await plan(one, signal)).toEqual([]);
});

it("a plan that nobody waits for any more isn't made, or ends; others go on", async () => {
  const begun: string[] = [];
  const ended: string[] = [];
  const plan = sharePlans(async (name, ending) => {
    begun.push(name);
    await aborted(ending);
    ended.push(name);
    ending.throwIfAborted();
    return [];
  });
  const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
  const asked = [plan(one, first.signal), plan(one, second.signal), plan(other, third.signal)];
  const outcome = Promise.allSettled(asked);
  await expect.poll(() => begun).toEqual([one]);
  first.abort(new Error("left"));
  await expect(asked[0]).rejects.toThrow("left");
  expect(ended).toEqual([]);
  third.abort(new Error("left"));
  await expect(asked[2]).rejects.toThrow("left");
  second.abort(new Error("left"));
  await outcome;
  await expect.poll(() => ended).toEqual([one]);
  // Its turn has come: what waits in vain isn't begun.
  const last = new AbortController();
  const again = plan(other, last.signal);
  await expect.poll(() => begun).toEqual([one, other]);
  last.abort(new Error("left"));
  await expect(again).rejects.toThrow("left");
});
