import type { Answer, Ask } from "@longshore/testkit/http-client";
import type { Expected } from "./model.js";

/** The `Location` below the host. */
export function pathOf({ headers }: Answer): string {
  return (headers.location ?? "").replace(/^http:\/\/[^/]*/, "");
}

/** What is wrong with `answer`; undefined where it is what was expected. */
export function differenceOf({ method = "GET" }: Ask, answer: Answer, expected: Expected): string | undefined {
  const { status, code, headers = {}, body } = expected;
  const said = `${answer.status} ${JSON.stringify(answer.headers)} ${answer.text().slice(0, 500)}`;
  if (answer.status !== status) return `expected ${status} ${code ?? ""}, not ${said}`;
  for (const [key, value] of Object.entries(headers)) {
    const actual = key === "location" ? pathOf(answer) : answer.headers[key];
    if (actual !== value) return `expected ${key} ${value ?? "to be absent"}, not ${said}`;
  }
  if (method === "HEAD") return answer.body.length === 0 ? undefined : "a HEAD has no body";
  if (code !== undefined && answer.code() !== code) return `expected ${code}, not ${said}`;
  if (body === undefined) return undefined;
  const isRight =
    "json" in body
      ? JSON.stringify(answer.json()) === JSON.stringify(body.json)
      : answer.body.equals("parts" in body ? multipart(answer, body) : body);
  return isRight ? undefined : `expected another body than ${said}`;
}

function multipart({ headers }: Answer, { parts, of, type }: Extract<Expected["body"], { parts: unknown }>): Buffer {
  const [, boundary = ""] = /^multipart\/byteranges; boundary=(\w+)$/.exec(headers["content-type"] ?? "") ?? [];
  const pieces = parts.flatMap(([start, end]) => [
    `--${boundary}\r\nContent-Range: bytes ${start}-${end}/${of.length}\r\nContent-Type: ${type}\r\n\r\n`,
    of.subarray(start, end + 1),
    "\r\n",
  ]);
  return Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece)));
}
