import { describe, expect, it } from "vitest";
import { kindOf } from "../src/lib/artifact.js";
import { signerOf } from "../src/lib/certificate.js";
import { buildSteps, cleanCommand } from "../src/lib/history.js";
import { safeLink } from "../src/lib/links.js";
import { isRepositoryName, isTag } from "../src/lib/grammar.js";

/** Characters; a pattern that isn't linear takes longer for so many than any test may. */
const LONG = 1024 * 1024;

function fill(part: string): string {
  return part.repeat(Math.ceil(LONG / part.length));
}

describe("commands of a history", () => {
  it.each([
    ['/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'],
    ["/bin/sh -c apk add curl", "RUN apk add curl"],
    ["|2 A=1 B=x=y /bin/sh -c make", "RUN make"],
    ["|1 A=two words /bin/sh -c make", "RUN make"],
    ["RUN |1 A=1 /bin/sh -c make # buildkit", "RUN make"],
    ["RUN /bin/sh -c npm ci # buildkit", "RUN npm ci"],
    ["COPY . /app # buildkit", "COPY . /app"],
    ['RUN ["/app"]', 'RUN ["/app"]'],
    ["|1 A=1", "|1 A=1"],
    ["", ""],
  ])("%s", (text, command) => expect(cleanCommand(text)).toBe(command));
});

describe("text of a million characters that is made to take long", () => {
  it.each([
    ["arguments", `|1 ${"a=".repeat(60)}${fill("=a=")}`],
    ["more arguments", `|1 ${fill("a=b ")}`],
    ["numbers", `|${fill("1")}`],
    ["spaces", `a${fill(" ")}b`],
    ["shells", `|1 ${fill("/bin/sh -c")}`],
    ["runs", fill("RUN ")],
    ["ends", fill("# buildkit")],
    ["lines", fill("\n#")],
  ])("is a command: %s", (_, text) => {
    expect(cleanCommand(text).length).toBeLessThan(17_000);
    expect(buildSteps([{ comment: text }], [])[0]?.command?.length).toBeLessThan(17_000);
  });

  it("is a type, a certificate, a link, a name", () => {
    expect(kindOf({ artifactType: fill("cosign ") })).toBe("other");
    expect(kindOf({ artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json" })).toBe("signature");
    expect(kindOf({ artifactType: "application/vnd.dev.cosign.simplesigning.v1+json" })).toBe("signature");
    expect(signerOf(fill("-----BEGIN CERTIFICATE----"))).toBeUndefined();
    expect(signerOf(fill(" "))).toBeUndefined();
    expect(safeLink(`https://${fill("a@")}`)).toBeUndefined();
    expect(isRepositoryName(fill("a-"))).toBe(false);
    expect(isTag(fill("a."))).toBe(false);
  });
});
