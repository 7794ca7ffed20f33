import type { ReloadResult } from "../serve/reloader.ts";

/** What a parent tells a child, each a line of JSON on its standard input, whose end means to stop as well. */
export type Command = { readonly do: "stop" } | { readonly do: "insist" } | { readonly do: "reload" } | {
  readonly do: "answer";
};

/** What a child tells its parent, each a line of JSON on its standard output. */
export type Report =
  | {
    /** Every listener is open. */
    readonly is: "serving";
    /** Where its metrics are, as `host:port`; empty for nowhere. */
    readonly metrics: string;
  }
  | { readonly is: "reloaded"; readonly result: ReloadResult }
  /** It was asked for an answer, and is there. */
  | { readonly is: "alive" };

/** Reads lines of JSON, until the stream ends or breaks. What is none is passed by. */
export async function readMessages<Message>(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onMessage: (message: Message) => void,
): Promise<void> {
  let rest = "";
  try {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const message = parse(line);
        if (message !== undefined) onMessage(message as Message);
      }
    }
  } catch {
    // It is over, in another way.
  }
}

/** A message as it is written. */
export function messageBytes(message: Command | Report): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(message)}\n`);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
