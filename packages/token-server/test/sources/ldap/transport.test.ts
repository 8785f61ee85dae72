import { listen, type Listening } from "@longshore/testkit/loopback";
import { describePeers } from "@longshore/testkit/peers";
import { makeTemporaryFolder, type TemporaryFolder } from "@longshore/testkit/temporary-folder";
import { connect, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createConnection } from "../../../src/sources/ldap/connection.js";
import { openSocket } from "../../../src/sources/ldap/open-socket.js";
import { failure } from "../support.js";
import { makeCertificates, type Certificates } from "./certificates.js";
import { logIn, openSource } from "./harness.js";
import { person, startSlapd, type Slapd } from "./slapd.js";
import { resultOf } from "./stand-in.js";

const EXTENDED_RESPONSE = 0x78;
const BIND_RESPONSE = 0x61;

async function serve(onSocket: (socket: Socket) => void): Promise<Listening> {
  const server = await listen(
    createServer((socket) => {
      socket.on("error", () => undefined);
      onSocket(socket);
    }),
  );
  onTestFinished(server.close);
  return server;
}

describePeers("a directory over TLS", ["slapd"], () => {
  let folder: TemporaryFolder;
  let certificates: Certificates;
  let slapd: Slapd;

  beforeAll(async () => {
    folder = await makeTemporaryFolder("ldap-tls");
    certificates = await makeCertificates(folder.path, "DNS:localhost");
    slapd = await startSlapd({ certificates });
    await slapd.add(person("alice"));
  });

  afterAll(async () => {
    await slapd[Symbol.asyncDispose]();
    await folder.remove();
  });

  it("is used with StartTLS, and with LDAPS", async () => {
    const { ca } = certificates;
    for (const url of [`ldap://localhost:${slapd.port}`, slapd.ldapsUrl]) {
      const source = await openSource({ urls: [url], starttls: true, ca });
      expect((await logIn(source, "alice")).outcome).toBe("identified");
      expect((await logIn(source, "alice", "wrong")).outcome).toBe("failed");
    }
  });

  it("must show a certificate of the configured authority, for the name in its URL", async () => {
    const { ca } = certificates;
    const byStartTls = `ldap://localhost:${slapd.port}`;
    for (const url of [byStartTls, slapd.ldapsUrl]) {
      const source = await openSource({ urls: [url], starttls: true });
      expect((await failure(() => logIn(source, "alice"))).message).toMatch(/certificate/);
    }
    // The certificate is for localhost and for no address.
    const wrongNames = [slapd.url, slapd.ldapsUrl.replace("localhost", "127.0.0.1")];
    for (const url of wrongNames) {
      const source = await openSource({ urls: [url], starttls: true, ca });
      expect((await failure(() => logIn(source, "alice"))).message).toContain("does not match");
      const careless = await openSource({ urls: [url], starttls: true, insecureskipverify: true });
      expect((await logIn(careless, "alice")).outcome).toBe("identified");
    }
  });

  it("is never sent a password if it refuses StartTLS", async () => {
    await using plain = await startSlapd();
    const source = await openSource({ urls: [plain.url], starttls: true });
    expect((await failure(() => logIn(source, "alice"))).message).toContain("refuses StartTLS");
  });

  it("is followed by another one when it is down", async () => {
    const { ca } = certificates;
    const gone = await listen(createServer());
    await gone.close();
    const source = await openSource({
      urls: [`ldaps://localhost:${gone.port}`, `ldap://localhost:${slapd.port}`],
      starttls: true,
      ca,
    });
    expect((await logIn(source, "alice")).outcome).toBe("identified");
  });

  it("is followed by another one when it accepts connections and says nothing", async () => {
    let connections = 0;
    const silent = await serve(() => (connections += 1));
    const source = await openSource({
      urls: [`ldap://${silent.host}`, slapd.url],
      connecttimeout: "200ms",
      operationtimeout: "300ms",
    });
    expect((await logIn(source, "alice")).outcome).toBe("identified");
    const seen = connections;
    // It is left alone for a while.
    expect((await logIn(source, "alice")).outcome).toBe("identified");
    expect(connections).toBe(seen);
  });

  it("is followed by another one when it dies in the middle of a search", async () => {
    const dying = await serve((client) => {
      const server = connect({ host: "127.0.0.1", port: slapd.port });
      let binds = 0;
      server.on("error", () => undefined).on("close", () => client.destroy());
      client.on("close", () => server.destroy());
      client.pipe(server);
      server.on("data", (chunk: Buffer) => {
        binds += 1;
        if (binds === 1) client.write(chunk);
        // The first bytes of an entry, and no more.
        else client.write(chunk.subarray(0, 20), () => client.destroy());
      });
    });
    const lonely = await openSource({ urls: [`ldap://${dying.host}`] });
    expect((await failure(() => logIn(lonely, "alice"))).code).toBe("UNAVAILABLE");
    const source = await openSource({ urls: [`ldap://${dying.host}`, slapd.url] });
    expect((await logIn(source, "alice")).outcome).toBe("identified");
  });
});

describe("a directory that misbehaves before TLS", () => {
  it("is left if it hangs, within the time for a connection", async () => {
    const silent = await serve(() => undefined);
    for (const url of [`ldap://${silent.host}`, `ldaps://${silent.host}`]) {
      const source = await openSource({ urls: [url], starttls: true, connecttimeout: "200ms" });
      expect((await failure(() => logIn(source, "alice"))).message).toContain("no connection within 200 ms");
    }
  });

  it("is left when the client is gone", async () => {
    let isConnected: () => void = () => undefined;
    const connected = new Promise<void>((resolve) => (isConnected = resolve));
    const ended = new Promise<void>((resolve) => {
      void serve((socket) => {
        isConnected();
        socket.resume().on("close", () => resolve());
      }).then(async (server) => {
        const source = await openSource({ urls: [`ldap://${server.host}`] });
        const client = new AbortController();
        const context = { remoteAddress: undefined, service: "", signal: client.signal };
        const answer = source.verify({ account: "alice", password: "x" }, context);
        await connected;
        const gone = new Error("the client is gone");
        client.abort(gone);
        await expect(answer).rejects.toBe(gone);
      });
    });
    await ended;
  });

  it("can't have an answer put before those that come over TLS", async () => {
    const passwords: Buffer[] = [];
    const tampering = await serve((socket) => {
      socket.on("data", (chunk: Buffer) => {
        passwords.push(chunk);
        // A bind that succeeds, but for its last byte, which the first one over TLS would complete.
        const forged = resultOf(3, BIND_RESPONSE, 0, "0");
        socket.write(Buffer.concat([resultOf(1, EXTENDED_RESPONSE, 0, ""), forged.subarray(0, -1)]));
      });
    });
    const source = await openSource({ urls: [`ldap://${tampering.host}`], starttls: true });
    expect((await failure(() => logIn(source, "alice"))).message).toContain("tampered");
    // StartTLS, and nothing else.
    expect(Buffer.concat(passwords).length).toBe(31);
  });

  it("is refused if it doesn't speak LDAP", async () => {
    const web = await serve((socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const source = await openSource({ urls: [`ldap://${web.host}`], starttls: true });
    expect((await failure(() => logIn(source, "alice"))).message).toContain("isn't LDAP");
  });

  it("is never connected to again within a connection: a password would be sent without TLS", async () => {
    let connections = 0;
    const closing = await serve((socket) => {
      connections += 1;
      socket.once("data", () => void socket.end(resultOf(2, BIND_RESPONSE, 0, "")));
    });
    const { signal } = new AbortController();
    const address = { host: "127.0.0.1", port: closing.port, security: "none" } as const;
    const socket = await openSocket(address, { ca: undefined, isVerified: true }, signal);
    const connection = createConnection(socket, 10_000);
    await connection.bind("cn=reader", "secret", signal);
    await expect.poll(() => connection.isOpen).toBe(false);
    await expect(connection.bind("cn=alice", "secret", signal)).rejects.toThrow("the connection has ended");
    expect(connections).toBe(1);
  });
});
