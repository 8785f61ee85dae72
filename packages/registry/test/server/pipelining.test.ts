import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { configOf, exchangeRaw, serve } from "./harness.js";

const CONFIG = configOf("{addr: '127.0.0.1:0', limits: {idletimeout: 100ms}}");
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

interface Response extends NodeJS.EventEmitter {
  end(text: string): unknown;
}

/** Answers nothing by itself; keeps what it was handed. */
function holding(): { readonly begun: Response[]; app: (request: unknown, response: Response) => void } {
  const begun: Response[] = [];
  return { begun, app: (_request, response) => void begun.push(response) };
}

async function echo(request: AsyncIterable<unknown>, response: Response): Promise<void> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  response.end(`[${text}]`);
}

describe("requests that are sent ahead of the answers", () => {
  it("are answered one after the other, in their order", async () => {
    let open = 0;
    let most = 0;
    const app = (request: { url?: string | undefined }, response: Response): void => {
      most = Math.max(most, (open += 1));
      setImmediate(() => {
        open -= 1;
        response.end(`[${request.url ?? ""}]`);
      });
    };
    await using server = await serve(CONFIG, app);
    const answers = await exchangeRaw(server.port, get("/a") + get("/b") + get("/c"));
    expect(answers.match(/\[.*?\]/g)).toEqual(["[/a]", "[/b]", "[/c]"]);
    expect(most).toBe(1);
  });

  it("wait also where they bring a body", async () => {
    await using server = await serve(CONFIG, (request, response) => void echo(request, response));
    const post = (body: string): string =>
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answers = await exchangeRaw(server.port, post("one") + post("two") + get("/"));
    expect(answers.match(/\[.*?\]/g)).toEqual(["[one]", "[two]", "[]"]);
  });

  it("are never begun when the connection ends before their turn, and leave nothing behind", async () => {
    const { begun, app } = holding();
    await using server = await serve(CONFIG, app);
    const socket = connect(server.port, "127.0.0.1");
    socket.write(get("/a").repeat(50));
    await expect.poll(() => begun.length).toBe(1);
    const closed = once(begun[0] ?? socket, "close");
    socket.destroy();
    await closed;
    await expect.poll(() => server.connections.size).toBe(0);
    expect(begun).toHaveLength(1);
    expect([...server.connections.inFlight().values()]).toEqual([]);
    expect(server.access).toHaveLength(1);
  });

  it("cost the connection where there are too many", async () => {
    const { begun, app } = holding();
    await using server = await serve(CONFIG, app);
    expect(await exchangeRaw(server.port, get("/a").repeat(500))).toBe("");
    expect(begun).toHaveLength(1);
  });
});
