import { makePem, type Making } from "../../../../test/src/server/host-certificate.js";
import { parsePair, type CertificatePair } from "../../src/certificates/pair.js";

/** A host's certificate, which it issued itself, as the registry has it. */
export async function makePair(host: string, making?: Making): Promise<CertificatePair> {
  const pair = parsePair(host, (await makePem(host, making)).join(""));
  if (pair === undefined) throw new Error("the pair can't be read");
  return pair;
}
