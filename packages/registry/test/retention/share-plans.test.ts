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

it("a plan that fails isn't kept, and who asked and left keeps no one else from it", async () => {
  let calls = 0;
  const plan = sharePlans(() => {
    calls += 1;
    return calls === 1 ? Promise.reject(new Error("away")) : Promise.resolve([]);
  });
  const left = AbortSignal.abort(new Error("left"));
  const [asked, stayed] = await Promise.allSettled([plan(one, left), plan(one, signal)]);
  expect([asked, stayed].map((each) => each.status === "rejected" && String(each.reason))).toEqual([
    "Error: left",
    "Error: away",
  ]);
  expect(await plan(one, signal)).toEqual([]);
});
