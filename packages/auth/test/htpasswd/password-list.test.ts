import { describe, expect, it } from "vitest";
import { bcryptCost, dummyHash, parsePasswordList } from "../../src/methods/htpasswd/password-list.js";
import { SECRET } from "./support.js";

const list = (text: string | Buffer) => parsePasswordList(Buffer.from(text));
const names = (text: string | Buffer): string[] => [...list(text).hashes.keys()];
const lines = (text: string | Buffer): number[] => list(text).problems.map(({ line }) => line);

describe("htpasswd files", () => {
  it("are parsed as Distribution parses them", () => {
    const found = list(`# users\n\n jane:${SECRET.y} \r\n\t\njohn:${SECRET.a}\n#john:x\njöhn:${SECRET.b}`);
    expect([...found.hashes]).toEqual([
      ["jane", SECRET.y],
      ["john", SECRET.a],
      ["jöhn", SECRET.b],
    ]);
    expect(found.problems).toEqual([]);
    expect(found.torn).toBe(false);
  });

  it("report the lines that admit no user, and keep the others", () => {
    const text = `no colon\n:${SECRET.b}\na\u0001b:${SECRET.b}\nmd5:$apr1$abc$def\nsha:{SHA}x\nplain:secret\n\njane:${SECRET.b}\nextra:${SECRET.b}x:y\n`;
    expect(names(text)).toEqual(["jane"]);
    expect(lines(text)).toEqual([1, 2, 3, 4, 5, 6, 9]);
    expect(JSON.stringify(list(text).problems)).not.toMatch(/apr1|secret|plain|SHA/);
  });

  it("may have a comment after the hash, as Apache and Distribution allow", () => {
    expect([...list(`jane:${SECRET.y}:Jane, since 2019: trial\njohn:${SECRET.b}:\n`).hashes]).toEqual([
      ["jane", SECRET.y],
      ["john", SECRET.b],
    ]);
    expect(lines(`jane:${SECRET.y}:comment`)).toEqual([]);
  });

  it("report a hash with doubled dollar signs as such", () => {
    const [problem, ...others] = list(`jane:${SECRET.y.replaceAll("$", "$$$$")}\n`).problems;
    expect(others).toEqual([]);
    expect(problem).toMatchObject({
      line: 1,
      reason: expect.stringMatching(/\$\$ where \$ belongs.*Compose/) as unknown,
    });
    expect(list("jane:$$apr1$$abc$$def\n").problems).toMatchObject([
      { reason: expect.stringMatching(/isn't bcrypt/) as unknown },
    ]);
  });

  it("report a line that isn't UTF-8", () => {
    const text = Buffer.concat([Buffer.from([0x61, 0xff]), Buffer.from(`:${SECRET.b}\njane:${SECRET.b}\n`)]);
    expect(names(text)).toEqual(["jane"]);
    expect(lines(text)).toEqual([1]);
  });

  it("use the last line of a user", () => {
    expect(list(`jane:${SECRET.a}\njane:${SECRET.y}\n`).hashes.get("jane")).toBe(SECRET.y);
    expect(names(`jane:${SECRET.a}\njane:{SHA}x\n`)).toEqual([]);
  });

  it("report their highest cost", () => {
    expect(list("").cost).toBe(10);
    expect(list(`a:${SECRET.a}\n`).cost).toBe(4);
    expect(list(`a:${SECRET.a}\nb:${SECRET.a.replace("$04$", "$12$")}\nc:${SECRET.a}\n`).cost).toBe(12);
  });

  it.each([
    ["", false],
    [`jane:${SECRET.b}`, false],
    [`jane:${SECRET.b}\njohn:$2b$04$Zva`, true],
    [`jane:${SECRET.b}\njo`, true],
    [`jane:${SECRET.b}\njo\n`, false],
    [`jo\njane:${SECRET.b}`, false],
  ])("%j is truncated: %s", (text, torn) => {
    expect(list(text).torn).toBe(torn);
  });
});

describe("hashes", () => {
  it.each([
    [SECRET.a, 4],
    [SECRET.b, 4],
    [SECRET.y, 4],
    [SECRET.y.replace("$04$", "$31$"), 31],
    [SECRET.y.replace("$04$", "$03$"), undefined],
    [SECRET.y.replace("$04$", "$32$"), undefined],
    [SECRET.y.replace("$2y", "$2x"), undefined],
    [SECRET.y.slice(0, -1), undefined],
    [`${SECRET.y}x`, undefined],
    ["secret", undefined],
    ["", undefined],
  ])("%s has cost %s", (hash, cost) => {
    expect(bcryptCost(hash)).toBe(cost);
  });

  it("for unknown users have the requested cost", () => {
    expect([4, 10, 31].map((cost) => bcryptCost(dummyHash(cost)))).toEqual([4, 10, 31]);
  });
});
