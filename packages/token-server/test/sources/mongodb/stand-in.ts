import { listen, type Listening } from "@longshore/testkit/loopback";
import { BSON, type Document } from "mongodb";
import { createServer, type Socket } from "node:net";

/** The wire protocol's operations (MongoDB Wire Protocol). */
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER = 16;

/** What goes wrong at the stand-in. */
interface Faults {
  /** Whether searches are answered with an error. */
  isFailing: boolean;
  /** Whether searches aren't answered at all. */
  isSilent: boolean;
}

/** What the stand-in has, and was asked for. */
type State = Pick<StandIn, "collections" | "commands" | "faults">;

/** A stand-in for a MongoDB server. */
export interface StandIn extends Listening {
  /** A connection string. */
  readonly mongoUrl: string;
  /** The documents of each collection; tests change them. */
  readonly collections: Map<string, Document[]>;
  /** The commands that were sent, without those of the handshake. */
  readonly commands: Document[];
  readonly faults: Faults;
}

/**
 * A stand-in for MongoDB, of which no server can be had here: it speaks the wire protocol over a real socket, and knows the
 * handshake and searches by equality with an order, without authentication.
 */
export async function startMongoStandIn(collections: Readonly<Record<string, Document[]>>): Promise<StandIn> {
  const faults = { isFailing: false, isSilent: false };
  const state: State = { collections: new Map(Object.entries(collections)), commands: [], faults };
  const listening = await listen(
    createServer((socket) => {
      let pending = Buffer.alloc(0);
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        pending = Buffer.concat([pending, chunk]);
        while (pending.length >= HEADER && pending.length >= pending.readInt32LE(0)) {
          const length = pending.readInt32LE(0);
          answer(socket, pending.subarray(0, length), state);
          pending = pending.subarray(length);
        }
      });
    }),
  );
  return Object.assign(listening, state, { mongoUrl: `mongodb://${listening.host}/?directConnection=true` });
}

function answer(socket: Socket, message: Buffer, state: State): void {
  const id = message.readInt32LE(4);
  const operation = message.readInt32LE(12);
  if (operation === OP_QUERY) {
    // Flags, the collection's name with its zero, how many to skip and return.
    const start = message.indexOf(0, HEADER + 4) + 9;
    const reply = Buffer.alloc(20);
    reply.writeInt32LE(8, 0);
    reply.writeInt32LE(1, 16);
    const document = resultOf(BSON.deserialize(message.subarray(start)), state);
    socket.write(envelope(id, OP_REPLY, Buffer.concat([reply, BSON.serialize(document ?? {})])));
  } else if (operation === OP_MSG) {
    const command = BSON.deserialize(message.subarray(HEADER + 5));
    const document = resultOf(command, state);
    if (document === undefined) return;
    socket.write(envelope(id, OP_MSG, Buffer.concat([Buffer.alloc(5), BSON.serialize(document)])));
  }
}

function envelope(to: number, operation: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeInt32LE(HEADER + body.length, 0);
  header.writeInt32LE(to, 8);
  header.writeInt32LE(operation, 12);
  return Buffer.concat([header, body]);
}

/** What the server answers; undefined: nothing. */
function resultOf(command: Document, state: State): Document | undefined {
  if ("hello" in command || "ismaster" in command || "isMaster" in command)
    return {
      helloOk: true,
      ismaster: true,
      isWritablePrimary: true,
      maxBsonObjectSize: 16_777_216,
      maxMessageSizeBytes: 48_000_000,
      maxWriteBatchSize: 100_000,
      minWireVersion: 0,
      maxWireVersion: 21,
      logicalSessionTimeoutMinutes: 30,
      ok: 1,
    };
  if (!("find" in command)) return { ok: 1 };
  state.commands.push(command);
  if (state.faults.isSilent) return undefined;
  if (state.faults.isFailing) return { ok: 0, code: 13, codeName: "Unauthorized", errmsg: "not authorized" };
  const name = String(command["find"]);
  const documents = state.collections.get(name) ?? [];
  const cursor = { id: BSON.Long.ZERO, ns: `test.${name}`, firstBatch: search(documents, command) };
  return { cursor, ok: 1 };
}

function search(documents: readonly Document[], { filter, sort, limit, projection }: Document): Document[] {
  const wanted = entriesOf(filter);
  const order = entriesOf(sort);
  const shown = new Set(entriesOf(projection).flatMap(([name, value]) => (value === 1 ? [name] : [])));
  return documents
    .filter((document) => wanted.every(([name, value]) => document[name] === value))
    .toSorted((a, b) =>
      order.reduce((found, [name, way]) => found || Number(way) * (Number(a[name]) - Number(b[name])), 0),
    )
    .slice(0, typeof limit === "number" && limit > 0 ? limit : documents.length)
    .map((document) =>
      shown.size === 0 ? document : Object.fromEntries(Object.entries(document).filter(([name]) => shown.has(name))),
    );
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
