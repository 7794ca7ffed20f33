import { type Command, messageBytes, readMessages, type Report } from "./messages.ts";

/** A child's way to its parent. */
export interface ParentChannel {
  /** Settles when the parent asks to stop, or is no more. */
  readonly stop: Promise<void>;
  /** Settles when it asks once more. */
  readonly insist: Promise<void>;
  /** Says who is told when it asks to reload. */
  onReload(listener: () => void): void;
  report(report: Report): void;
}

/** Opens the way over standard input and output, which are for nothing else then. */
export function openParentChannel(): ParentChannel {
  const { promise: stop, resolve: resolveStop } = Promise.withResolvers<void>();
  const { promise: insist, resolve: resolveInsist } = Promise.withResolvers<void>();
  let reload = () => {};
  const report = (report: Report) => {
    try {
      Deno.stdout.writeSync(messageBytes(report));
    } catch {
      // The parent is no more, and its end has been heard of.
    }
  };
  readMessages<Command>(Deno.stdin.readable, (command) => {
    if (command.do === "stop") resolveStop();
    if (command.do === "insist") resolveInsist();
    if (command.do === "reload") reload();
    if (command.do === "answer") report({ is: "alive" });
  }).then(resolveStop);
  return {
    stop,
    insist,
    onReload: (listener) => reload = listener,
    report,
  };
}
