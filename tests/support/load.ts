/** What came back for one request of a load. */
export interface Answered {
  /** Who asked. */
  readonly project: string;
  readonly status: number;
  readonly text: string;
}

/** A load of calls that goes on until it is stopped. */
export interface Load {
  /** Every answer that a client got in full. */
  readonly answered: readonly Answered[];
  /** The projects whose requests got no whole answer: each ends its client. */
  readonly broken: readonly string[];
  /** Comes back when `count` answers have come in. */
  untilAnswered(count: number): Promise<void>;
  /** Lets calls under way end, and sends no more. */
  stop(): Promise<void>;
}

/** Options of a load. */
export interface LoadOptions {
  readonly method?: string;
  /** Parameters of each call; none by default. */
  readonly paramsOf?: (project: string) => readonly unknown[];
  /** The clients' projects, in turn; by default each client has its own. */
  readonly projects?: readonly string[];
}

/** Keeps `clients` clients calling, each one call after the other. Refused and broken connections are not answers. */
export function startLoad(url: string, clients: number, options: LoadOptions = {}): Load {
  const { method = "eth_blockNumber", paramsOf = () => [], projects } = options;
  const answered: Answered[] = [];
  const broken: string[] = [];
  let isStopped = false;
  let onAnswer = () => {};
  const client = async (project: string) => {
    for (let id = 0; !isStopped; id++) {
      try {
        const response = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", "project-id": project },
          body: JSON.stringify({ jsonrpc: "2.0", id, method, params: paramsOf(project) }),
        });
        answered.push({ project, status: response.status, text: await response.text() });
        onAnswer();
      } catch {
        broken.push(project);
        return;
      }
    }
  };
  const running = Array.from({ length: clients }, (_, index) => {
    return client(projects?.[index % projects.length] ?? `client-${index}`);
  });
  return {
    answered,
    broken,
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
