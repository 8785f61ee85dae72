import { expect, it } from "vitest";
import { createStreamReader } from "../src/lib/event-stream.js";

const TEXT =
  'retry: 3000\n\n:\n\nevent: activity\nid: a1\ndata: {"kind":"push"}\n\n: \nid: a2\n\nevent: missed\ndata: {}\r\n\r\ndata: x\ndata: y\n\nevent: end\n\n';
const EVENTS = [
  { name: "activity", data: '{"kind":"push"}', id: "a1" },
  { name: "missed", data: "{}", id: "a2" },
  { name: "message", data: "x\ny", id: "a2" },
];

it("a stream is read wherever it was cut", () => {
  for (let size = 1; size <= TEXT.length; size += 1) {
    const reader = createStreamReader(undefined);
    const events = [];
    for (let at = 0; at < TEXT.length; at += size) events.push(...reader.read(TEXT.slice(at, at + size)));
    expect(events).toEqual(EVENTS);
    expect(reader.lastId).toBe("a2");
  }
});

it("a stream takes no more memory than an event may have", () => {
  const reader = createStreamReader("x");
  expect(() => reader.read("data: ".padEnd(200_000, "a"))).toThrow(RangeError);
  expect(reader.lastId).toBe("x");
});
