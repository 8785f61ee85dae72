/** An event of a stream, as the browser's EventSource would tell it. */
export interface StreamEvent {
  readonly name: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** A stream of server-sent events that is being read. */
export interface OpenStream extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  /** Everything so far. */
  readonly events: readonly StreamEvent[];
  /** Resolves with the first `count` events once they are there. Rejects if the stream ends before, or after `patience` ms. */
  first(count: number, patience?: number): Promise<readonly StreamEvent[]>;
  /** Resolves with everything once the server has ended the stream. */
  ended(patience?: number): Promise<readonly StreamEvent[]>;
}

const PATIENCE = 10_000;

/** Opens a stream on a connection of its own. */
export async function openStream(url: string, headers: Readonly<Record<string, string>> = {}): Promise<OpenStream> {
  const controller = new AbortController();
  const response = await fetch(url, { headers, signal: controller.signal });
  const events: StreamEvent[] = [];
  const listeners = new Set<() => void>();
  let isOver = false;
  const reading = (async () => {
    let text = "";
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        if (!(chunk instanceof Uint8Array)) continue;
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) {
          const event = parse(block);
          if (event !== undefined) events.push(event);
        }
        for (const listener of listeners) listener();
      }
    } catch {
      // The test has closed it, or the server broke the connection.
    } finally {
      isOver = true;
      for (const listener of listeners) listener();
    }
  })();
  const until = (isEnough: () => boolean, patience: number): Promise<readonly StreamEvent[]> =>
    new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        clearTimeout(timer);
        listeners.delete(look);
        if (error === undefined) resolve(events);
        else reject(error);
      };
      const look = (): void => {
        if (isEnough()) end();
        else if (isOver) end(new Error(`the stream ended after ${JSON.stringify(events)}`));
      };
      const timer = setTimeout(() => end(new Error(`only ${JSON.stringify(events)} so far`)), patience);
      listeners.add(look);
      look();
    });
  return {
    status: response.status,
    headers: response.headers,
    events,
    first: async (count, patience = PATIENCE) => (await until(() => events.length >= count, patience)).slice(0, count),
    ended: (patience = PATIENCE) => until(() => isOver, patience),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await reading;
    },
  };
}

/** Undefined for a block without data (HTML standard §9.2.6). */
function parse(block: string): StreamEvent | undefined {
  const fields = new Map(
    block.split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)] as const;
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return undefined;
  return { name: fields.get("event") ?? "message", id: fields.get("id"), data: JSON.parse(data) as unknown };
}
