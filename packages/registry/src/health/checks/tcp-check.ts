import { parseAddress } from "@longshore/base/address";
import { key } from "@longshore/options/declare";
import { connect } from "node:net";
import { z } from "zod";
import { declareChecks, scheduleOptions, timeoutOption } from "../kind.js";
import { deadlineSignal, reason } from "../wait.js";

const address = key(
  z.string().refine((value) => parseAddress(value)?.host !== undefined),
  {
    meaning: "The address that must accept a connection.",
    type: "host:port",
    allowed: "host:port, such as db.example:5432",
  },
);

/** Connects, and sends nothing. */
export const tcpCheck = declareChecks(
  { meaning: "Checks of TCP ports that this registry depends on.", env: "TCPCHECKERS" },
  {
    name: "tcp",
    meaning: "A TCP check.",
    options: { addr: address, timeout: timeoutOption(), ...scheduleOptions() },
    choose: ({ addr, timeout, interval, threshold, successthreshold }) => ({
      label: { option: "addr", text: addr },
      open: () => ({
        name: addr,
        interval,
        threshold,
        successthreshold,
        check: (signal) => checkTcp(addr, deadlineSignal(signal, timeout)),
      }),
    }),
  },
);

async function checkTcp(addr: string, signal: AbortSignal): Promise<void> {
  const { host = "localhost", port = 0 } = parseAddress(addr) ?? {};
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", (error) =>
      reject(new Error(`${addr}: connection failed: ${reason(error)}`, { cause: error })),
    );
  });
}
