import { listen, type Listening } from "@longshore/testkit/loopback";
import { BerReader, BerWriter, FilterParser, type Filter } from "ldapts";
import { createServer, type Socket } from "node:net";

/** An entry as the stand-in sends it. */
interface StandInEntry {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
}

/** What the stand-in is asked to search. */
export interface StandInSearch {
  readonly base: string;
  readonly filter: Filter;
  readonly attributes: readonly string[];
}

/** How the stand-in answers: entries, or a result code with a text. */
export interface StandInAnswers {
  readonly bind?: (name: string, password: string) => number | { readonly code: number; readonly text: string };
  readonly search?: (search: StandInSearch) => readonly StandInEntry[] | number;
}

const BIND = { request: 0x60, response: 0x61 };
const SEARCH = { request: 0x63, entry: 0x64, done: 0x65 };

/**
 * A stand-in for directories that can't be had here, such as Active Directory: it speaks LDAP over a real socket, and its answers are the
 * test's.
 */
export async function startStandIn(answers: StandInAnswers): Promise<Listening & { readonly ldapUrl: string }> {
  const listening = await listen(
    createServer((socket) => {
      socket.on("error", () => undefined);
      let pending = Buffer.alloc(0);
      socket.on("data", (chunk: Buffer) => {
        pending = Buffer.concat([pending, chunk]);
        for (;;) {
          const head = new BerReader(pending);
          if (head.readSequence() === null || head.remain < head.length) return;
          const end = head.offset + head.length;
          answer(socket, pending.subarray(0, end), answers);
          pending = pending.subarray(end);
        }
      });
    }),
  );
  return Object.assign(listening, { ldapUrl: `ldap://${listening.host}` });
}

function answer(socket: Socket, bytes: Buffer, answers: StandInAnswers): void {
  const reader = new BerReader(Buffer.from(bytes));
  reader.readSequence();
  const id = reader.readInt() ?? 0;
  const operation = reader.readSequence();
  if (operation === BIND.request) {
    reader.readInt();
    const name = reader.readString() ?? "";
    const password = reader.readString(0x80) ?? "";
    const result = answers.bind?.(name, password) ?? 0;
    const { code, text } = typeof result === "number" ? { code: result, text: "" } : result;
    socket.write(resultOf(id, BIND.response, code, text));
  } else if (operation === SEARCH.request) {
    const base = reader.readString() ?? "";
    // Scope, aliases, size limit, time limit, types only.
    reader.readEnumeration();
    reader.readEnumeration();
    reader.readInt();
    reader.readInt();
    reader.readBoolean();
    const filter = FilterParser.parse(reader);
    reader.readSequence();
    const attributes: string[] = [];
    const end = reader.offset + reader.length;
    while (reader.offset < end) attributes.push(reader.readString() ?? "");
    const found = answers.search?.({ base, filter, attributes }) ?? [];
    if (typeof found === "number") socket.write(resultOf(id, SEARCH.done, found, ""));
    else socket.write(Buffer.concat([...found.map((entry) => entryOf(id, entry)), resultOf(id, SEARCH.done, 0, "")]));
  }
}

function message(id: number, operation: number, write: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(operation);
  write(writer);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

/** A result (RFC 4511 §4.1.9) of an operation. */
export function resultOf(id: number, operation: number, code: number, text: string): Buffer {
  return message(id, operation, (writer) => {
    writer.writeEnumeration(code);
    writer.writeString("");
    writer.writeString(text);
  });
}

function entryOf(id: number, { dn, attributes }: StandInEntry): Buffer {
  return message(id, SEARCH.entry, (writer) => {
    writer.writeString(dn);
    writer.startSequence();
    for (const [name, values] of Object.entries(attributes)) {
      writer.startSequence();
      writer.writeString(name);
      writer.startSequence(0x31);
      for (const value of values) writer.writeString(value);
      writer.endSequence();
      writer.endSequence();
    }
    writer.endSequence();
  });
}
