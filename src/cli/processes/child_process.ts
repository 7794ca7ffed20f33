import { type Command, messageBytes, readMessages, type Report } from "./messages.ts";

/** A child that runs. */
export interface ChildProcess {
  /** Its exit code, once it has ended, by a signal too. */
  readonly ended: Promise<number>;
  /** Tells it something; nothing once it has ended. */
  send(command: Command): void;
  /** Ends it without being asked. */
  kill(): void;
}

/** Starts a child whose log goes where this process's goes. Throws when there is no such program. */
export function startChild(
  path: string,
  args: readonly string[],
  onReport: (report: Report) => void,
): ChildProcess {
  const child = new Deno.Command(path, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  // Its end is heard of by the child's own.
  writer.closed.catch(() => {});
  const reading = readMessages(child.stdout, onReport);
  return {
    ended: child.status.then(async ({ code }) => {
      await reading;
      await writer.abort().catch(() => {});
      return code;
    }),
    send: (command) => void writer.write(messageBytes(command)).catch(() => {}),
    kill() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
    },
  };
}
