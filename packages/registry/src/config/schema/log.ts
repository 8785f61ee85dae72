import { choice, flag, list, optionalChoice, section, text, textList, untypedMap } from "@longshore/options/declare";

const LEVELS = ["error", "warn", "info", "debug"] as const;

const hook = section(
  {
    disabled: flag(false, "Disables this hook."),
    type: text("The type of hook: `mail` is the only one."),
    levels: textList("The levels to mail."),
    options: section(
      {
        smtp: section(
          {
            addr: text("`host:port` of the mail server."),
            username: text("The user name."),
            password: text("The password.", { secret: true }),
            insecure: flag(false, "Has no effect in Distribution."),
          },
          "The mail server.",
        ).optional(),
        from: text("The sender."),
        to: textList("The recipients."),
      },
      "Options of the hook.",
      { env: "MAILOPTIONS" },
    ).optional(),
  },
  "Mails log lines.",
);

export const loglevel = optionalChoice(LEVELS, "Older name of `log.level`, used if that is empty.");

export const log = section(
  {
    level: optionalChoice(LEVELS, "The least important level that is logged.", { fallback: "info" }),
    formatter: choice(["text", "json", "logstash"], "text", "The format of application log lines."),
    fields: untypedMap("Fields on every application log line, such as `service: registry`."),
    accesslog: section(
      { disabled: flag(false, "Disables the access log on standard output.") },
      "The access log.",
      {},
    ).prefault({}),
    audit: section(
      {
        target: text("Where to write it: `stdout`, `stderr`, or a file, which is reopened on SIGHUP.", {
          file: "write",
          fallback: "off",
        }),
        pulls: flag(true, "Includes allowed reads; otherwise only changes and refusals are logged."),
      },
      "The audit log: who did what to which repository from where, and whether it was allowed. One JSON object per line.",
      { ours: true },
    ).prefault({}),
    reportcaller: flag(false, "Adds `func` and `file` to each line."),
    hooks: list(hook, "Additional actions on log lines.", {
      type: "list of maps",
      unsupported: {
        when: "enabled-entries",
        what: "mails of log lines",
        instead: "have your log collector send them, or an alert on the metrics",
        harmless: true,
      },
    }),
  },
  "The application log (standard error), access log (standard output) and audit log.",
).prefault({});
