/** A byte stream for a parser. */
export interface OracleCase {
  readonly bytes: Uint8Array;
  readonly isHead: boolean;
}

/** What Node's parser made of it; null where it would not take it: status, body, fields, trailers, keep-alive. */
export type Verdict = readonly [number, string, readonly string[], readonly string[], boolean] | null;

/** A request that Node's parser has read: verb, target, fields, body. */
export type JudgedRequest = readonly [string, string, readonly string[], string];

/**
 * What Node's parser made of a client's bytes: the requests that are complete, and why it read no further, `""` when it
 * would have read on.
 */
export type RequestsVerdict = readonly [requests: readonly JudgedRequest[], end: string];

/** Node's own HTTP parser, in a process of its own. */
export interface Oracle<V> extends AsyncDisposable {
  judge(cases: readonly OracleCase[]): Promise<readonly V[]>;
}

/** Starts the oracle for answers; undefined where there is no Node. */
export function startOracle(): Oracle<Verdict> | undefined {
  return startJudge("http1_oracle.cjs");
}

/** Starts the oracle for requests; undefined where there is no Node. */
export function startRequestOracle(): Oracle<RequestsVerdict> | undefined {
  return startJudge("http1_request_oracle.cjs");
}

function startJudge<V>(file: string): Oracle<V> | undefined {
  const script = new URL(file, import.meta.url).pathname;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("node", { args: [script], stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  } catch {
    return undefined;
  }
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  return {
    async judge(cases) {
      const size = cases.reduce((sum, { bytes }) => sum + 5 + bytes.length, 0);
      const packed = new Uint8Array(size);
      let at = 0;
      for (const { bytes, isHead } of cases) {
        new DataView(packed.buffer).setUint32(at, bytes.length, true);
        packed[at + 4] = isHead ? 1 : 0;
        packed.set(bytes, at + 5);
        at += 5 + bytes.length;
      }
      const writing = writer.write(packed);
      const verdicts: V[] = [];
      while (verdicts.length < cases.length) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the oracle has ended");
        const lines = (rest + value).split("\n");
        rest = lines.pop()!;
        for (const line of lines) verdicts.push(JSON.parse(line));
      }
      await writing;
      return verdicts;
    },
    async [Symbol.asyncDispose]() {
      await writer.close();
      await reader.cancel();
      await child.status;
    },
  };
}
