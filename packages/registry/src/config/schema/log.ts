import { choice, flag, list, section, text, textList, untypedMap } from "./kit.js";

const LEVELS = ["error", "warn", "info", "debug"] as const;

const hook = section(
  {
    disabled: flag(false, "Leaves this hook out."),
    type: text("`mail` is the only one."),
    levels: textList("Levels that are mailed."),
    options: section(
      {
        smtp: section(
          {
            addr: text("`host:port` of the mail server."),
            username: text("Its user."),
            password: text("Its password.", { secret: true }),
            insecure: flag(false, "Has no effect in the original."),
          },
          "The mail server.",
        ).optional(),
        from: text("The sender."),
        to: textList("The recipients."),
      },
      "What the hook needs.",
      { env: "MAILOPTIONS" },
    ).optional(),
  },
  "Mails log lines.",
);

export const loglevel = choice(LEVELS, undefined, "Older name of `log.level`, used when that is empty.");

export const log = section(
  {
    level: choice(LEVELS, "info", "The least important level that is logged."),
    formatter: choice(["text", "json", "logstash"], "text", "The form of application log lines."),
    fields: untypedMap("Fields on every application log line, such as `service: registry`."),
    accesslog: section({ disabled: flag(false, "No access log on standard output.") }, "The access log.", {}).prefault(
      {},
    ),
    audit: section(
      {
        target: text("Where it goes: `stdout`, `stderr`, or a file, which is opened anew on SIGHUP.", {
          fallback: "off",
        }),
        pulls: flag(true, "Has reads that were allowed, too; otherwise only what changes something or was refused."),
      },
      "The audit log: who did what to which repository from where, and whether they might; a JSON object a line.",
      { ours: true },
    ).prefault({}),
    reportcaller: flag(false, "Adds `func` and `file` to each line."),
    hooks: list(hook, "What happens on log lines beside writing them.", {
      type: "list of maps",
      later: {
        when: "enabled-entries",
        what: "log hooks",
        instead: "remove the entries or set disabled: true in each, and let your log collector send the mail",
      },
    }),
  },
  "Application log (standard error) and access log (standard output).",
).prefault({});
