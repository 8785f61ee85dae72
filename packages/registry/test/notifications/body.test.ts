import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { renderEvent } from "../../src/event-formats/kinds.js";
import { formatEvent, parseEvent } from "../../src/event-formats/event.js";
import { formatTimestamp } from "../../src/notifications/events/timestamp.js";
import { pauseAfter } from "../../src/notifications/delivery/pause.js";
import { signBody } from "../../src/notifications/delivery/signature.js";
import { eventOf } from "./support.js";

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("registry:3's form", () => {
  it("is indented by three spaces, with Go's escapes, and ends without a newline", () => {
    const { text, headers } = renderEvent(eventOf(), "v2");
    expect(headers).toEqual(["Content-Type", "application/vnd.docker.distribution.events.v2+json"]);
    expect(text).toBe(`{
   "events": [
      {
         "id": "320678d8-ca14-430f-8bb6-4ca139cd83f7",
         "timestamp": "2026-11-23T02:30:11.5Z",
         "action": "push",
         "target": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "${DIGEST}",
            "size": 708,
            "length": 708,
            "repository": "team/app",
            "url": "http://registry.example/v2/team/app/manifests/${DIGEST}",
            "tag": "1.0"
         },
         "request": {
            "id": "r-1",
            "addr": "192.0.2.1:50000",
            "host": "registry.example",
            "method": "PUT",
            "useragent": "a\\u003cb\\u003e"
         },
         "actor": {
            "name": "alice"
         },
         "source": {
            "addr": "host:5000",
            "instanceID": "i-1"
         }
      }
   ]
}`);
  });

  it("has the empty members of a delete, and an empty actor", () => {
    const target = { mediaType: "", digest: "", size: 0, repository: "a", tag: "t" };
    const { text } = renderEvent(eventOf({ action: "delete", object: "tag", target, actor: "" }), "v2");
    expect(JSON.parse(text)).toMatchObject({
      events: [{ target: { mediaType: "", digest: "", size: 0, repository: "a", tag: "t" }, actor: {} }],
    });
    expect(text).toContain('"actor": {},');
    expect(text).not.toContain("length");
  });
});

describe("CloudEvents", () => {
  it("have their attributes in the body, or in headers", () => {
    const structured = renderEvent(eventOf(), "cloudevents");
    expect(structured.headers).toEqual(["Content-Type", "application/cloudevents+json"]);
    const attributes = {
      specversion: "1.0",
      id: "320678d8-ca14-430f-8bb6-4ca139cd83f7",
      source: "//registry.example/v2/team/app",
      type: "longshore.registry.manifest.push",
      subject: "1.0",
      time: "2026-11-23T02:30:11.5Z",
    };
    const value: unknown = JSON.parse(structured.text);
    expect(value).toMatchObject({ ...attributes, datacontenttype: "application/json", data: { action: "push" } });
    const binary = renderEvent(eventOf(), "cloudevents-binary");
    expect(binary.headers).toEqual([
      ...["Content-Type", "application/json"],
      ...Object.entries(attributes).flatMap(([name, text]) => [`ce-${name}`, text]),
    ]);
    const data: unknown = JSON.parse(binary.text);
    expect(value).toMatchObject({ data });
  });
});

describe("a stored event", () => {
  it("survives a round trip, and anything else is no event", () => {
    const event = eventOf({ only: "ci" });
    expect(parseEvent(formatEvent(event))).toEqual(event);
    for (const text of ["", "{", "{}", "[]", '{"id":"x"}', "null"]) expect(parseEvent(text)).toBeUndefined();
  });
});

describe("a timestamp", () => {
  it("has no closing zeros, as Go writes it", () => {
    const zone = process.env["TZ"];
    process.env["TZ"] = "UTC";
    expect(formatTimestamp(new Date("2026-11-23T02:30:11.500Z"))).toBe("2026-11-23T02:30:11.5Z");
    expect(formatTimestamp(new Date("2026-11-23T02:30:11.000Z"))).toBe("2026-11-23T02:30:11Z");
    process.env["TZ"] = "Asia/Kolkata";
    expect(formatTimestamp(new Date("2026-11-23T02:30:11.123Z"))).toBe("2026-11-23T08:00:11.123+05:30");
    process.env["TZ"] = "America/New_York";
    expect(formatTimestamp(new Date("2026-11-23T02:30:11.123Z"))).toBe("2026-11-22T21:30:11.123-05:00");
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  });
});

it("a signature is the HMAC of the time and the body", () => {
  const expected = createHmac("sha256", "secret").update("1764000000.{}").digest("hex");
  expect(signBody("{}", "secret", 1_764_000_000_999)).toBe(`t=1764000000,v1=${expected}`);
});

it("pauses grow to the backoff, and stay between it and a quarter more", () => {
  const policy = { threshold: 5, backoff: 1000 };
  const pauses = (random: number) => [1, 2, 3, 4, 5, 50].map((failures) => pauseAfter(failures, policy, () => random));
  expect(pauses(0)).toEqual([10, 20, 40, 80, 1000, 1000]);
  expect(pauses(1)).toEqual([20, 40, 80, 160, 1250, 1250]);
  expect(pauseAfter(4, { threshold: 5, backoff: 30 }, () => 1)).toBe(30);
});
