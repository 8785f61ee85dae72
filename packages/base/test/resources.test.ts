import { describe, expect, it } from "vitest";
import { Resources } from "../src/resources.js";

describe("resources", () => {
  const opener = (log: string[]) => (name: string, failure?: Error) => ({
    close: () => {
      log.push(name);
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
  });

  it("are closed once, in the reverse order of opening", async () => {
    const log: string[] = [];
    const open = opener(log);
    const resources = new Resources();
    const first = open("first");
    expect(resources.add(first)).toBe(first);
    resources.add(undefined);
    resources.defer(() => void log.push("deferred"));
    resources.add(open("last"));
    await resources.close();
    await resources.close();
    expect(log).toEqual(["last", "deferred", "first"]);
  });

  it("are all closed even if some fail, and the first failure is thrown", async () => {
    const log: string[] = [];
    const open = opener(log);
    const resources = new Resources();
    resources.add(open("first", new Error("the first is stuck")));
    resources.add(open("second", new Error("the second is stuck")));
    resources.add(open("third"));
    await expect(resources.close()).rejects.toThrow("the second is stuck");
    expect(log).toEqual(["third", "second", "first"]);
  });

  it("are closed if a later step fails, and handed over otherwise", async () => {
    const log: string[] = [];
    const open = opener(log);
    const openBoth = async (fails: boolean): Promise<Resources> => {
      await using opened = new Resources();
      opened.add(open("first"));
      if (fails) throw new Error("no second");
      opened.add(open("second"));
      return opened.move();
    };
    await expect(openBoth(true)).rejects.toThrow("no second");
    expect(log.splice(0)).toEqual(["first"]);
    const both = await openBoth(false);
    expect(log).toEqual([]);
    await both.close();
    expect(log).toEqual(["second", "first"]);
  });
});
