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
