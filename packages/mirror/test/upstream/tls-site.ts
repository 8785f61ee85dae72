import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import { writeFile } from "node:fs/promises";
import { listen, type Listening } from "@longshore/testkit/loopback";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";

/** For registry.test and 127.0.0.1, its own authority, until 2126. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBpjCCAU2gAwIBAgIUeuOl9Y66rGJyj2qN7NPNfNs+4WEwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDAgFw0yNjExMjkwNDM4MjVaGA8yMTI2
MTEwNTA0MzgyNVowGDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABElvxLG5JwYushgoF3Pb9X5QgHPlt3MEEDD0AabTcwub
GEklgBgzosaZ2f5OJfKqV4fRRv1FxrJR9roa319hbwyjczBxMB0GA1UdDgQWBBQG
LQTTUlpKi1p3+5oQebksR6Hp3DAfBgNVHSMEGDAWgBQGLQTTUlpKi1p3+5oQebks
R6Hp3DAeBgNVHREEFzAVgg1yZWdpc3RyeS50ZXN0hwR/AAABMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgYNmX9Dth4S95ldJw4K8oriDEnLBvE6km
uM5ZIfuVmGsCIEfKNSLV/mo4livv3XMC7iu4AsOo+BV8z+cWYwTEMqmZ
-----END CERTIFICATE-----
`;

/** Its key. */
export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgniSWrQynDP53WvYD
xhGJEcf1EgU/TYVv8F/nhvTBmGehRANCAARJb8SxuScGLrIYKBdz2/V+UIBz5bdz
BBAw9AGm03MLmxhJJYAYM6LGmdn+TiXyqleH0Ub9RcayUfa6Gt9fYW8M
-----END PRIVATE KEY-----
`;

/** A server with TLS, and files of what it vouches for: the same certificate serves both sides. */
export interface TlsSite extends Listening {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export async function createTlsServer(
  answer: RequestListener,
  { requestCert = false }: { readonly requestCert?: boolean } = {},
): Promise<TlsSite> {
  const folder = await makeTemporaryFolder("tls");
  const [certFile, keyFile] = [`${folder.path}/cert.pem`, `${folder.path}/key.pem`];
  await writeFile(certFile, CERTIFICATE);
  await writeFile(keyFile, KEY);
  const options = { cert: CERTIFICATE, key: KEY, ca: CERTIFICATE, requestCert, rejectUnauthorized: requestCert };
  const listening = await listen(createServer(options, answer));
  const close = async (): Promise<void> => {
    await listening.close();
    await folder.remove();
  };
  return { ...listening, caFile: certFile, certFile, keyFile, close, [Symbol.asyncDispose]: close };
}
