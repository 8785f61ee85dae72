import { utimes } from "node:fs/promises";
import { createDriver, parseRepositoryName, parseTagName } from "@longshore/storage";
import { makeTemporaryFolder } from "@longshore/testkit/temporary-folder";
import { expect, it } from "vitest";
import { openBoard } from "../src/board/board.js";
import { formatChange } from "../src/documents/notes.js";
import { describeForDrivers } from "./support.js";

const FOLDER = "/docker/registry/v2/longshore/inventory/v1/some";

describeForDrivers("a board", (over) => {
  it("shows each note once to each reader", () =>
    over(async (driver) => {
      const [a, b] = [openBoard(driver, FOLDER, "a"), openBoard(driver, FOLDER, "b")];
      const [first, second] = [a.reader(), b.reader()];
      expect(await first.read()).toEqual({ notes: [], isComplete: true });
      await Promise.all([a.post("1"), b.post("2"), a.post("3"), a.post("4")]);
      expect(await first.read()).toEqual({ notes: ["1", "3", "4", "2"], isComplete: true });
      await b.post("5");
      expect(await first.read()).toEqual({ notes: ["5"], isComplete: true });
      expect(await first.read()).toEqual({ notes: [], isComplete: true });
      expect(await second.read()).toEqual({ notes: ["1", "3", "4", "2", "5"], isComplete: true });
      expect(await b.reader(first.positions).read()).toEqual({ notes: [], isComplete: true });
    }));

  it("says that notes are missing if a reader comes too late", () =>
    over(async (driver) => {
      const board = openBoard(driver, FOLDER, "a");
      const reader = board.reader();
      for (let count = 0; count < 65; count += 1) await board.post(String(count));
      const { notes, isComplete } = await reader.read();
      expect([notes[0], notes.length, isComplete]).toEqual(["1", 64, false]);
      await board.post("next");
      expect(await reader.read()).toEqual({ notes: ["next"], isComplete: true });
    }));

  it.each(["", "x\n", "0\n", "1\ncut off", "1"])(
    "takes everything for changed, once, because of a damaged file, %j",
    (text) =>
      over(async (driver) => {
        await driver.write(`${FOLDER}/b`, new TextEncoder().encode(text));
        const board = openBoard(driver, FOLDER, "a");
        const reader = board.reader();
        await board.post("1");
        expect(await reader.read()).toEqual({ notes: ["1"], isComplete: false });
        expect(await reader.read()).toEqual({ notes: [], isComplete: true });
        await driver.write(`${FOLDER}/b`, new TextEncoder().encode(`${text}?`));
        expect(await reader.read()).toEqual({ notes: [], isComplete: false });
        await openBoard(driver, FOLDER, "b").post("repaired");
        expect(await reader.read()).toEqual({ notes: ["repaired"], isComplete: true });
      }),
  );
});

it("takes the longest notes", async () => {
  const driver = await createDriver("inmemory", {});
  const board = openBoard(driver, FOLDER, "a");
  const name = parseRepositoryName("n".repeat(255));
  const tags = Array.from({ length: 20 }, (_, index) => parseTagName(String(index).padEnd(128, "t")));
  const note = formatChange(name, tags);
  expect(note.length).toBeGreaterThan(2800);
  const reader = board.reader();
  for (let count = 0; count < 64; count += 1) await board.post(note);
  expect(await reader.read()).toEqual({ notes: Array.from({ length: 64 }, () => note), isComplete: true });
  await driver.close();
});

it("forgets processes that have posted nothing for a day", async () => {
  await using folder = await makeTemporaryFolder("board");
  const driver = await createDriver("filesystem", { rootdirectory: folder.path });
  for (const id of ["old", "recent"]) await openBoard(driver, FOLDER, id).post("note");
  const before = new Date(Date.now() - 25 * 3_600_000);
  await utimes(`${folder.path}${FOLDER}/old`, before, before);
  await openBoard(driver, FOLDER, "new").post("note");
  expect((await driver.list(FOLDER)).names).toEqual(["new", "recent"]);
  await driver.close();
});
