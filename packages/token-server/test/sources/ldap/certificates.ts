import { run } from "@longshore/testkit/processes";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** PEM files: an authority, and a server's certificate and key that it signed. */
export interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes an authority in `folder`, and a certificate for `names`, such as `DNS:localhost,IP:127.0.0.1`. */
export async function makeCertificates(folder: string, names: string): Promise<Certificates> {
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "30",
    "-subj",
    "/CN=Test CA",
  );
  await openssl("req", ...newKey, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=directory");
  await writeFile(path("names"), `subjectAltName=${names}\n`);
  const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "names"];
  await openssl("x509", "-req", "-in", "server.csr", ...signing, "-out", "server.pem");
  return { ca: path("ca.pem"), certificate: path("server.pem"), key: path("server.key") };
}
