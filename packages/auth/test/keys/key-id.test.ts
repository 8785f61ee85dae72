import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keyIds, libtrustKeyId, thumbprint, unpaddedThumbprint } from "../../src/keys/key-id.js";

const key = (jwk: Record<string, string>) => createPublicKey({ key: jwk, format: "jwk" });

/** x begins with a zero byte. The ids were computed independently of this code, with Python's hashlib. */
const SHORT = key({
  kty: "EC",
  crv: "P-256",
  x: "ADeNEvF_nTjZkE6yazGr6n7tURP03rag3bbMarSKh60",
  y: "7SLzLJhryOVThrJOmpEKMrFnJbzuXFVrqQG5BXT8TNU",
});

describe("key ids", () => {
  it("are the thumbprint of RFC 7638 §3.1", () => {
    const rsa = key({
      kty: "RSA",
      n:
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3" +
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA" +
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-" +
        "kEgU8awapJzKnqDKgw",
      e: "AQAB",
    });
    expect(thumbprint(rsa)).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    expect(unpaddedThumbprint(rsa)).toBe(thumbprint(rsa));
  });

  it("are the thumbprint of RFC 8037 A.3", () => {
    const ed = key({ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    expect(thumbprint(ed)).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  });

  it("include Distribution's form of an EC thumbprint, and libtrust's id", () => {
    expect(thumbprint(SHORT)).toBe("CyrgZDckrIbMvZTA5xzdlOeuMBFCHDFxuMZbhszBQZE");
    expect(unpaddedThumbprint(SHORT)).toBe("V3nF9yeOv83RQa2GP8rVnSObqtBXHf1cC0I173USulM");
    expect(libtrustKeyId(SHORT)).toBe("RNB3:I7OM:FURF:QKZ2:7GDF:HWP2:CYCG:VWEC:DMGU:FK5D:46UD:IRZT");
    expect(keyIds(SHORT)).toEqual([thumbprint(SHORT), unpaddedThumbprint(SHORT), libtrustKeyId(SHORT)]);
  });

  it("don't include a thumbprint if a key has no JWK form for signatures", () => {
    expect(thumbprint(generateKeyPairSync("x25519").publicKey)).toBeUndefined();
  });
});
