import type { Socket } from "node:net";
import { createSecureContext, Server as TlsServer } from "node:tls";

/** A certificate that proves to an authority who has a host (RFC 8737 §3), and its key; PEM. */
interface ChallengeCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** The certificate by which a challenge for `host` is answered; undefined: none is expected. */
export type FindChallenge = (host: string) => Promise<ChallengeCertificate | undefined>;

/** Answers the handshakes of authorities. */
export interface ChallengeHandshakes {
  accept(socket: Socket): void;
}

const PROTOCOL = "acme-tls/1";

/** The extension that offers this protocol and no other, as an authority has to (RFC 7301 §3.1, RFC 8737 §3). */
const OFFER = Buffer.concat([
  Buffer.from([0, 16, 0, PROTOCOL.length + 3, 0, PROTOCOL.length + 1, PROTOCOL.length]),
  Buffer.from(PROTOCOL),
]);

const RECORD_HEADER = 5;
/** The longest record (RFC 8446 §5.1). A hello is much shorter, and in one. */
const LONGEST_RECORD = 2 ** 14;

/** An authority has shaken hands and hung up in less (ms). */
const PATIENCE = 10_000;

/** An authority looks from several places at once; more than these are refused. */
const MOST_HANDSHAKES = 64;

/**
 * Whether the first bytes of a TLS connection are an authority's hello; undefined while too few have arrived to tell. It is
 * enough to find the extension: where a client has put its bytes elsewhere, only that client gets another certificate.
 */
export function isChallengeHello(bytes: Buffer): boolean | undefined {
  if (bytes.length < RECORD_HEADER) return undefined;
  const length = bytes.readUInt16BE(3);
  if (length > LONGEST_RECORD) return false;
  const end = RECORD_HEADER + length;
  return bytes.length < end ? undefined : bytes.subarray(RECORD_HEADER, end).includes(OFFER);
}

/**
 * Handshakes beside those of clients, because a server can't choose a certificate by the protocol that is asked for. A connection
 * that is open after `patience` (ms) is destroyed.
 */
export function createChallengeHandshakes(find: FindChallenge, patience: number = PATIENCE): ChallengeHandshakes {
  let running = 0;
  const server = new TlsServer({
    ALPNProtocols: [PROTOCOL],
    handshakeTimeout: patience,
    SNICallback(name, done) {
      find(name.toLowerCase()).then(
        (found) => {
          if (found === undefined) done(new Error("no challenge is expected for this name"));
          else done(null, createSecureContext({ key: found.key, cert: found.certificate }));
        },
        (error: unknown) => done(error instanceof Error ? error : new Error("no challenge can be found")),
      );
    },
  });
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  // All that an authority wants is the certificate.
  server.on("secureConnection", (socket) => {
    socket.on("error", () => undefined);
    socket.resume();
    socket.end();
  });
  return {
    accept(socket) {
      if (running >= MOST_HANDSHAKES) return void socket.destroy();
      running += 1;
      // Also after its handshake: a client that doesn't hang up would keep its place.
      const timer = setTimeout(() => socket.destroy(), patience);
      socket.once("close", () => {
        clearTimeout(timer);
        running -= 1;
      });
      server.emit("connection", socket);
    },
  };
}
