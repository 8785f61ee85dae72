import { DAY } from "@longshore/base/duration";
import { MIB } from "@longshore/base/size";
import { orUndefined, type StorageDriver } from "@longshore/storage";
import type { Usage, UsagePoint } from "../contract.js";
import { HISTORY_FILE } from "../layout.js";
import { array, count, parseValue, record, refuse } from "../shared/values.js";

/** What the registry took, a point for each day on which it was counted. */
export interface History {
  /** Oldest first; none if it can't be read. Never throws. */
  read(): Promise<readonly UsagePoint[]>;
  /** Notes what was counted just now; the last count of a day stays. Never throws. */
  note(usage: Usage): Promise<void>;
}

/** Options of {@link openHistory}. */
export interface HistoryOptions {
  /** Of how many days; 0: none. */
  readonly maxDays: number;
  /** Whether this process writes. */
  readonly keeps: boolean;
  /** Called when reading or writing fails for the first time, and again once it has worked in between. */
  readonly onTrouble: (error: unknown) => void;
  /** ms since 1970. */
  readonly now?: (() => number) | undefined;
}

const VERSION = 1;
/** The largest file that is read: of some 10,000 days. */
const MAX_FILE = MIB;

/**
 * The history in one file on `driver`. Processes that write it at the same time have counted the same thing: of theirs the last one stays,
 * and a day has one point whoever counts.
 */
export function openHistory(driver: StorageDriver, options: HistoryOptions): History {
  const { maxDays, keeps, onTrouble, now = Date.now } = options;
  let isTroubled = false;

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      isTroubled = false;
    } catch (error) {
      if (!isTroubled) onTrouble(error);
      isTroubled = true;
    }
  };
  const load = async (): Promise<readonly UsagePoint[]> => {
    const bytes = await orUndefined(driver.read(HISTORY_FILE, { limit: MAX_FILE }));
    if (bytes === undefined) return [];
    const points = decode(bytes);
    // A newer version's, or damaged: it isn't made again from anything else, so it isn't overwritten.
    if (points === undefined) {
      throw new Error(
        `${HISTORY_FILE} isn't in a form that this version reads; it is left as it is: move it away to begin anew`,
      );
    }
    // What a clock noted that was ahead.
    return points.filter(({ day }) => day <= now() + DAY);
  };

  return {
    async read() {
      let points: readonly UsagePoint[] = [];
      if (maxDays > 0) await attempt(async () => void (points = await load()));
      return points.slice(-maxDays);
    },

    async note({ repositories, tags, bytes, logicalBytes }) {
      if (!keeps || maxDays === 0) return;
      await attempt(async () => {
        const point: UsagePoint = { day: now() - (now() % DAY), repositories, tags, bytes, logicalBytes };
        const points = await load();
        const last = points.at(-1);
        // A clock that is behind must not put the days out of order.
        if (last !== undefined && last.day > point.day) return;
        const before = last?.day === point.day ? points.slice(0, -1) : points;
        if (last !== undefined && before !== points && isSame(last, point)) return;
        await driver.write(HISTORY_FILE, encode([...before, point].slice(-maxDays)));
      });
    },
  };
}

const isSame = (a: UsagePoint, b: UsagePoint): boolean =>
  a.bytes === b.bytes && a.logicalBytes === b.logicalBytes && a.tags === b.tags && a.repositories === b.repositories;

function encode(points: readonly UsagePoint[]): Uint8Array {
  const days = points.map((each) => [each.day / DAY, each.repositories, each.tags, each.bytes, each.logicalBytes]);
  return Buffer.from(JSON.stringify({ version: VERSION, days }));
}

/** Undefined for anything that {@link encode} doesn't write. */
function decode(bytes: Uint8Array): readonly UsagePoint[] | undefined {
  return parseValue(Buffer.from(bytes).toString("utf8"), (value) => {
    const { version, days } = record(value);
    if (version !== VERSION) return refuse();
    return array(days).map((each) => {
      const [day, repositories, tags, stored, logical] = array(each);
      return {
        day: count(day) * DAY,
        repositories: count(repositories),
        tags: count(tags),
        bytes: count(stored),
        logicalBytes: count(logical),
      };
    });
  });
}
