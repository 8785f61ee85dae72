/** Room for so many at once, of which nobody may take most. */
export interface Places {
  /** Takes a place for `who`; undefined: there is none. Returns what gives it back. */
  take(who: string): (() => void) | undefined;
}

/** How many places one account or address may take: a fifth of all. */
const SHARE = 5;

export function createPlaces(most: number): Places {
  const each = Math.max(1, Math.ceil(most / SHARE));
  const taken = new Map<string, number>();
  let total = 0;
  return {
    take(who) {
      const own = taken.get(who) ?? 0;
      if (total >= most || own >= each) return undefined;
      total += 1;
      taken.set(who, own + 1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        total -= 1;
        const left = (taken.get(who) ?? 1) - 1;
        if (left > 0) taken.set(who, left);
        else taken.delete(who);
      };
    },
  };
}
