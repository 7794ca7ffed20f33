/** What came back for one request of a load. */
export interface Answered {
  readonly status: number;
  readonly text: string;
}

/** A load of calls that goes on until it is stopped. */
export interface Load {
  /** Every answer that a client got in full. */
  readonly answered: readonly Answered[];
  /** Comes back when `count` answers have come in. */
  untilAnswered(count: number): Promise<void>;
  /** Lets calls under way end, and sends no more. */
  stop(): Promise<void>;
}

/** Keeps `clients` clients calling, each one call after the other. Refused and broken connections are not answers. */
export function startLoad(url: string, clients: number, method = "eth_blockNumber"): Load {
  const answered: Answered[] = [];
  let isStopped = false;
  let onAnswer = () => {};
  const client = async (project: string) => {
    for (let id = 0; !isStopped; id++) {
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", "project-id": project },
          body: JSON.stringify({ jsonrpc: "2.0", id, method, params: [] }),
        });
        answered.push({ status: response.status, text: await response.text() });
        onAnswer();
      } catch {
        return;
      }
    }
  };
  const running = Array.from({ length: clients }, (_, index) => client(`client-${index}`));
  return {
    answered,
    untilAnswered: (count) =>
      new Promise((resolve) => {
        onAnswer = () => {
          if (answered.length >= count) resolve();
        };
        onAnswer();
      }),
    async stop() {
      isStopped = true;
      await Promise.all(running);
    },
  };
}
