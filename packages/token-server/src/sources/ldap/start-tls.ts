import { BerReader } from "ldapts";
import { once } from "node:events";
import type { Socket } from "node:net";
import { DirectoryFault } from "./fault.js";

/** ExtendedRequest of StartTLS as message 1 (RFC 4511 §4.14.1). */
const OID = Buffer.from("1.3.6.1.4.1.1466.20037");
const REQUEST = Buffer.concat([
  Buffer.from([0x30, 7 + OID.length, 0x02, 0x01, 0x01, 0x77, 2 + OID.length, 0x80, OID.length]),
  OID,
]);

const SEQUENCE = 0x30;
const EXTENDED_RESPONSE = 0x78;
const MAX_RESPONSE = 4096;

/**
 * Asks the server to continue with TLS. Exactly one answer may follow: bytes behind it were put there by someone between us and the
 * server, and would be read as part of what comes over TLS. That is why the library's own StartTLS isn't used: it keeps them.
 */
export async function requestTls(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.write(REQUEST);
  let answer = Buffer.alloc(0);
  while (messageLength(answer) === undefined) {
    const chunk: unknown = (await once(socket, "data", { signal }))[0];
    if (!Buffer.isBuffer(chunk)) throw new DirectoryFault("server", "the connection can't be read as bytes");
    answer = Buffer.concat([answer, chunk]);
    if (answer.length > MAX_RESPONSE) throw new DirectoryFault("server", "the server's answer to StartTLS is too long");
  }
  socket.pause();
  if (answer.length !== messageLength(answer))
    throw new DirectoryFault(
      "server",
      "data follows the answer to StartTLS before TLS begins: the connection is tampered with",
    );
  const code = resultOf(answer);
  if (code !== 0)
    throw new DirectoryFault("server", `the server refuses StartTLS (result ${code}); without it no password is sent`);
}

/** The length of the first message; undefined while it is incomplete. */
function messageLength(bytes: Buffer): number | undefined {
  const reader = new BerReader(bytes);
  if (attempt(() => reader.readSequence(SEQUENCE)) === null) return undefined;
  const length = reader.offset + reader.length;
  return bytes.length < length ? undefined : length;
}

/** The result code of an ExtendedResponse (RFC 4511 §4.12). */
function resultOf(bytes: Buffer): number {
  const reader = new BerReader(bytes);
  return attempt(() => {
    reader.readSequence(SEQUENCE);
    reader.readInt();
    reader.readSequence(EXTENDED_RESPONSE);
    return reader.readEnumeration() ?? -1;
  });
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new DirectoryFault("server", "the server's answer to StartTLS isn't LDAP", { cause: error });
  }
}
