import { flag, integer, section } from "@longshore/options/declare";

export const activity = section(
  {
    enabled: flag(true, "Shows pushes, pulls, deletes and refused logins while they happen, to who may see them.", {
      ours: true,
    }),
    events: integer(
      1000,
      { min: 10, max: 100_000 },
      "Of how many events the registry remembers the order, so that a viewer whose connection broke misses none. About 500 bytes each, in each process that somebody watches, and only while somebody does.",
      { ours: true },
    ),
    streams: integer(
      100,
      { min: 1, max: 10_000 },
      "How many viewers each process serves at once; a fifth of them for one account, or for one address without a login.",
      { ours: true },
    ),
  },
  "A live feed of what happens in the registry. Nothing is collected unless someone is watching.",
  { ours: true },
).prefault({});
