import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { exposeMetrics } from "../../src/metrics/expose.js";
import { MetricsLedger } from "../../src/metrics/ledger.js";

/** A process that counts. */
function createProcess() {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({ name: "requests_total", help: "r", labelNames: ["code"], registers });
  const seconds = new Histogram({ name: "seconds", help: "s", buckets: [1, 2], registers });
  const open = new Gauge({ name: "open", help: "o", registers });
  return { requests, seconds, open, snapshot: async () => structuredClone(await registry.getMetricsAsJSON()) };
}

async function samples(ledger: MetricsLedger): Promise<string[]> {
  const { body } = await exposeMetrics(ledger.snapshots());
  return body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

describe("the ledger", () => {
  it("keeps the counts of a process that has exited, and drops its gauges", async () => {
    const ledger = new MetricsLedger();
    for (const id of [1, 2]) {
      const process = createProcess();
      process.requests.inc({ code: "200" }, 3);
      process.requests.inc({ code: `50${id}` });
      process.seconds.observe(1.5);
      process.open.set(4);
      ledger.note(id, await process.snapshot());
    }
    const alive = [
      'requests_total{code="200"} 6',
      'requests_total{code="501"} 1',
      'requests_total{code="502"} 1',
      'seconds_bucket{le="1"} 0',
      'seconds_bucket{le="2"} 2',
      'seconds_bucket{le="+Inf"} 2',
      "seconds_sum 3",
      "seconds_count 2",
      "open 8",
    ];
    expect((await samples(ledger)).sort()).toEqual([...alive].sort());
    ledger.retire(1);
    expect((await samples(ledger)).sort()).toEqual([...alive.slice(0, -1), "open 4"].sort());
    ledger.retire(2);
    // Twice, as an exit may be told of more than once, and one that never told anything.
    ledger.retire(2);
    ledger.retire(9);
    expect((await samples(ledger)).sort()).toEqual(alive.slice(0, -1).sort());

    const successor = createProcess();
    successor.requests.inc({ code: "200" });
    successor.open.set(1);
    ledger.note(3, await successor.snapshot());
    const after = await samples(ledger);
    expect(after).toContain('requests_total{code="200"} 7');
    expect(after).toContain("open 1");
  });
});
