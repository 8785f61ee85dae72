import { duration, flag, integer, section } from "@longshore/options/declare";
import { GIB, MIB } from "@longshore/base/size";

export const inventory = section(
  {
    enabled: flag(
      true,
      "Keeps pages of `_catalog` and what repositories contain in memory, and tells the other processes and replicas of changes.",
      { ours: true },
    ),
    cachebytes: integer(
      64 * MIB,
      { min: MIB, max: 16 * GIB },
      "How much of the inventory each process keeps in memory, in bytes; it takes what is asked for. 10,000 tags take about 50 MB. The repository that was asked for last is kept, even if it is larger.",
      { ours: true },
    ),
    activityinterval: duration(
      "5m",
      "How often each process writes down who pushed, and in which hour what was pulled, for lists. 0: nobody records it. A process that is killed loses what it recorded since it last wrote.",
      {},
      { ours: true },
    ),
    activityitems: integer(
      50_000,
      { min: 100, max: 1_000_000 },
      "Of how many tags and manifests the last push and pull are remembered; those that were used least recently are forgotten.",
      { ours: true },
    ),
    layerlists: integer(
      256 * MIB,
      { min: 0, max: 64 * GIB },
      "How much of the storage lists of the files in layers may take, in bytes, so that a layer isn't read again for the next viewer; the oldest go. A list counts as 64 KiB at least, and one that takes more than a sixteenth isn't kept. 0: none is.",
      { ours: true },
    ),
    historydays: integer(
      365,
      { min: 0, max: 3650 },
      "Of how many days it is remembered what the registry took, for the console's picture of its growth: the last count of each day on which somebody counted, by the console, the API, `registry usage` or `metricsinterval`. 0: none.",
      { ours: true },
    ),
    metricsinterval: duration(
      "0",
      "How often one process of the registry counts repositories, tags, manifests, blobs and bytes for metrics. 0: never. A count reads the links of all repositories.",
      {},
      { ours: true },
    ),
  },
  "What the registry keeps ready of its own content, for lists. It is derived from the storage, and is kept under `longshore/inventory`, which can be deleted at any time.",
  { ours: true },
).prefault({});
