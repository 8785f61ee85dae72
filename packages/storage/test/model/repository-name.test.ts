import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRepositoryName, parseRepositoryName } from "../../src/model/repository-name.js";

function nameError(name: string): unknown {
  try {
    parseRepositoryName(name);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Vitest types its matchers as any. */
const containing = (text: string): unknown => expect.stringContaining(text);

describe("a repository name", () => {
  it.each(["a", "library/alpine", "a.b/c_d/e__f/g---h", "0/1", "FOO/bar", "My-Host.example/x", "a/manifests/b", "q/0"])(
    "can be %s",
    (name) => expect(parseRepositoryName(name)).toBe(name),
  );

  it.each([
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    "A",
    "FOO",
    "a/B",
    "_a",
    "a/_layers",
    "a___b",
    "a..b",
    "a._b",
    "-a",
    "a-",
    "a/.",
    "a/..",
    "../a",
    "a b",
    "é",
    "a\0",
    "A_B/c",
    "a%2fb",
  ])("can't be %j", (name) => expect(nameError(name)).toMatchObject({ code: "NAME_INVALID" }));

  it.each(["localhost:5000/x", "[::1]/x"])("can't be %s, which no driver can store", (name) =>
    expect(nameError(name)).toMatchObject({
      code: "NAME_INVALID",
      message: containing("can't be part of"),
    }),
  );

  it("has at most 255 characters, not counting a leading host", () => {
    const message = `repository name must not be more than 255 characters`;
    const tooLong = { code: "NAME_INVALID", message: containing(message) };
    expect(isRepositoryName("a".repeat(255))).toBe(true);
    expect(nameError("a".repeat(256))).toMatchObject(tooLong);
    expect(isRepositoryName(`host/${"a".repeat(255)}`)).toBe(true);
    expect(nameError(`host/${"a".repeat(256)}`)).toMatchObject(tooLong);
    expect(nameError(`a_b/${"a".repeat(252)}`)).toMatchObject(tooLong);
    expect(nameError("a/".repeat(5_000_000))).toMatchObject(tooLong);
  });

  it("matches the grammar of the contract, without ports and addresses", () => {
    const component = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
    const label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    const grammar = new RegExp(`^(?:${label}(?:\\.${label})*/)?${component}(?:/${component})*$`);
    const text = fc.string({ unit: fc.constantFrom("a", "Z", "0", ".", "_", "-", "/"), maxLength: 14 });
    fc.assert(
      fc.property(text, (name) => void expect(isRepositoryName(name)).toBe(grammar.test(name))),
      { numRuns: 2000 },
    );
  });

  it("is validated in linear time", () => {
    const started = process.cpuUsage();
    for (const hostile of ["a-".repeat(127), `${"-".repeat(254)}!`, `${"a".repeat(253)}_!`, `${"0.".repeat(126)}!/a`]) {
      for (let i = 0; i < 200; i++) isRepositoryName(hostile);
    }
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
  });
});
