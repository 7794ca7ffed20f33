import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openForReading, openForWriting } from "../../src/store/open_store.ts";
import { MIGRATIONS } from "../../src/store/schema.ts";
import { openDatabase } from "../../src/store/sqlite.ts";
import type { UsageRow } from "../../src/usage/usage_row.ts";
import { rowOfEvent } from "../../src/usage/usage_row.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { mountTmpfs } from "../support/spool_mount.ts";
import { KEEP, openStore, qosRows, query, relayRows, storeFolder } from "../support/store.ts";
import { relayEvent } from "../support/usage.ts";

const STORED = { kind: "stored", duplicates: 0 } as const;

Deno.test("what is stored is what was handed over, and nothing of it twice", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  const seen: UsageRow[] = [];
  {
    await using store = openStore(path, { onStored: (rows) => void seen.push(...rows) });
    const results = await Promise.all([
      store.add(relayRows("a/1", 1, 5)),
      store.add([...relayRows("a/1", 3, 7), ...relayRows("a/2", 1, 1)]),
      store.add([...qosRows(3, 1_000), ...qosRows(2, 1_000)]),
      store.add([]),
    ]);
    assertEquals(results, [STORED, { kind: "stored", duplicates: 3 }, { kind: "stored", duplicates: 2 }, STORED]);
    assertEquals(store.counts(), { stored: 11, duplicates: 5, removed: 0 });
    assertEquals(seen.length, 16);
  }
  {
    // After a restart as well.
    await using store = openStore(path);
    assertEquals(await store.add(relayRows("a/2", 1, 2)), { kind: "stored", duplicates: 1 });
  }
  assertEquals(
    query(path, "SELECT name, sequence FROM relay_usage JOIN boot ON boot.id = boot_id ORDER BY 1, 2").length,
    9,
  );
  assertEquals(query(path, "SELECT name, duplicates FROM boot ORDER BY 1"), [
    { name: "a/1", duplicates: 3 },
    { name: "a/2", duplicates: 1 },
  ]);
  const [row] = query(path, "SELECT * FROM relay_usage WHERE id = 1");
  assertEquals(row, {
    id: 1,
    time_unix_ms: 1_767_225_600_123,
    boot_id: 1,
    sequence: 1,
    project: "acme",
    chain: "ETH1",
    api_interface: "jsonrpc",
    api_method: "eth_blockNumber",
    cu: 10,
    latency_ms: 7,
    success: 1,
    cache_hit: 0,
    is_write: 0,
    is_archive: 0,
    is_batch: 0,
    is_debug_trace: 0,
    hedge_count: 0,
    provider: "node",
    origin: "https://app.example",
    error_class: "",
    attempts: 1,
  });
});

Deno.test("events without ids are all kept: two that are alike may be two calls", async () => {
  await using folder = await storeFolder();
  await using store = openStore(`${folder.path}/usage.db`);
  const row = rowOfEvent(relayEvent(), "");
  assertEquals(await store.add([row, row]), STORED);
  assertEquals(store.counts().stored, 2);
});

Deno.test("whole numbers of 64 bits and texts of all kinds come back as they were, but for NUL", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  await using store = openStore(path);
  const project = "a\u0000'; DROP TABLE relay_usage; -- 🦊";
  await store.add([rowOfEvent(relayEvent({ project, computeUnits: 2 ** 62 }), "")]);
  assertEquals(query(path, "SELECT project, CAST(cu AS TEXT) AS cu FROM relay_usage"), [
    { project: project.replace("\u0000", "\ufffd"), cu: String(2n ** 62n) },
  ]);
});

Deno.test("a second writer is refused while there is one, and a reader is not", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  const first = openStore(path);
  await first.add(relayRows("a/1", 1, 1));
  const second = openForWriting(path);
  assert(second.kind === "failure");
  assertStringIncludes(second.message, "is being written by another process");
  const reader = openForReading(path);
  assert(reader.kind === "open");
  await first.add(relayRows("a/1", 2, 2));
  assertEquals(reader.file.db.prepare("SELECT id FROM relay_usage").all().length, 2);
  reader.file[Symbol.dispose]();
  await first[Symbol.asyncDispose]();
  await using _third = openStore(path);
});

/** Why a file can't be opened for writing. */
function refusal(path: string): string {
  const opened = openForWriting(path);
  if (opened.kind === "open") opened.file[Symbol.dispose]();
  return opened.kind === "failure" ? opened.message : "";
}

Deno.test("a file that is none, is damaged, is another program's, or newer, is refused and left as it is", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  const isLeftAlone = (message: string) => {
    const before = Deno.readFileSync(path);
    assertStringIncludes(refusal(path), message);
    assertEquals(Deno.readFileSync(path), before);
    const reader = openForReading(path);
    assert(reader.kind === "failure", "a reader as well");
    Deno.removeSync(path);
  };
  Deno.writeTextFileSync(path, "these are my notes\n".repeat(500));
  isLeftAlone("is no store: it is damaged, or a file of another kind");

  const other = openDatabase(path, false, 0);
  other.exec("CREATE TABLE notes (text)");
  other.close();
  isLeftAlone("is a database of another program");

  await openStore(path)[Symbol.asyncDispose]();
  const newer = openDatabase(path, false, 0);
  newer.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  newer.close();
  isLeftAlone("was written by a newer relaymeter");

  assertStringIncludes(refusal(`${folder.path}/nowhere/usage.db`), "there is no such file or folder");
  const missing = openForReading(path);
  assert(missing.kind === "failure" && missing.message.includes("there is no such file"));
});

Deno.test("a store that is damaged in its middle is refused", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  {
    await using store = openStore(path);
    await store.add(relayRows("a/1", 1, 5_000));
  }
  using file = Deno.openSync(path, { write: true });
  const { size } = file.statSync();
  for (let at = 3 * 4_096; at < size; at += 4_096) {
    file.seekSync(at, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(2_048).fill(0xaa));
  }
  assertStringIncludes(refusal(path), "is damaged; move it away, or restore it from a copy");
});

Deno.test("an older file is brought up to date, whole or not at all", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  {
    await using store = openStore(path);
    await store.add(relayRows("a/1", 1, 3));
  }
  const column = "ALTER TABLE relay_usage ADD COLUMN later INTEGER";
  const broken = openForWriting(path, [...MIGRATIONS, column, "CREATE TABLE boot (id)"]);
  assert(broken.kind === "failure");
  assertEquals(query(path, "SELECT * FROM pragma_user_version"), [{ user_version: MIGRATIONS.length }]);

  const opened = openForWriting(path, [...MIGRATIONS, column]);
  assert(opened.kind === "open", JSON.stringify(opened));
  opened.file[Symbol.dispose]();
  assertEquals(query(path, "SELECT count(*) AS n, max(later) AS later FROM relay_usage"), [{ n: 3, later: null }]);
  assertStringIncludes(refusal(path), "newer relaymeter");
});

Deno.test("a full disk: nothing is half stored, the sender is told, and it goes on when there is room", async () => {
  await using mount = await mountTmpfs("size=4m");
  if (mount === undefined) return;
  const path = `${mount.path}/usage.db`;
  const errors: string[] = [];
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (_message: string, f = {}) => void errors.push(Object.values(f).join()),
  };
  await using store = openStore(path, { log });
  assertEquals(await store.add(relayRows("a/1", 1, 100)), STORED);
  await mount.fill();
  assertEquals(await store.add(relayRows("a/1", 101, 2_000)), {
    kind: "failure",
    message: `the disk of ${path} is full`,
  });
  assertEquals(errors, [`the disk of ${path} is full`]);
  await mount.empty();
  assertEquals(await store.add(relayRows("a/1", 101, 2_000)), STORED);
  assertEquals(query(path, "SELECT count(*) AS n, max(sequence) AS last FROM relay_usage"), [{
    n: 2_000,
    last: 2_000,
  }]);
});

Deno.test("closing stores what waits", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  const store = openStore(path, { clock: new FakeClock() });
  const added = store.add(relayRows("a/1", 1, 10));
  await store[Symbol.asyncDispose]();
  assertEquals(await added, STORED);
  assertEquals(await store.add(relayRows("a/1", 11, 12)), { kind: "failure", message: "the store is closed" });
  assertEquals(query(path, "SELECT count(*) AS n FROM relay_usage"), [{ n: 10 }]);
});

Deno.test("retention by age takes the oldest, keeps the rest, and remembers what it took", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  const clock = new FakeClock(10_000_000);
  const maxAgeMs = { relay_usage: 1_000_000, optimizer_qos: 100_000 };
  await using store = openStore(path, { clock }, { ...KEEP, maxAgeMs });
  const added = store.add([
    ...relayRows("a/1", 1, 6_000, (n) => ({ timeUnixMs: 9_000_000 - 5_000 + n })),
    ...relayRows("b/1", 3, 4, () => ({ timeUnixMs: 8_000_000 })),
    ...qosRows(10, 9_900_000 - 5),
  ]);
  await clock.advance(0);
  assertEquals(await added, STORED);
  await clock.advance(60_000);
  assertEquals(store.counts().removed, 6_000 + 2 + 10);
  const again = store.add(relayRows("a/1", 6_001, 6_010, () => ({ timeUnixMs: 9_900_000 })));
  await clock.advance(0);
  await again;
  await clock.advance(60_000);
  assertEquals(query(path, "SELECT count(*) AS n, min(sequence) AS first FROM relay_usage"), [{ n: 10, first: 6_001 }]);
  assertEquals(query(path, "SELECT name, first, last FROM removed JOIN boot ON boot.id = boot_id ORDER BY 1"), [
    { name: "a/1", first: 1, last: 6_000 },
    { name: "b/1", first: 3, last: 4 },
  ]);
});

Deno.test("retention by size takes the oldest until it fits, and the file shrinks", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  const maxBytes = 1_000_000;
  const clock = new FakeClock();
  {
    await using store = openStore(path, { clock }, { ...KEEP, maxBytes });
    const added = store.add(relayRows("a/1", 1, 30_000, (n) => ({ timeUnixMs: 1_000_000 + n })));
    await clock.advance(0);
    await added;
    await clock.advance(60_000);
    await clock.advance(60_000);
  }
  const [{ n, first, last }] = query(
    path,
    "SELECT count(*) AS n, min(sequence) AS first, max(sequence) AS last FROM relay_usage",
  ) as [{ n: number; first: number; last: number }];
  assertEquals([last, n], [30_000, last - first + 1]);
  assert(n > 2_000 && Deno.statSync(path).size <= maxBytes * 1.1, `${n} events, ${Deno.statSync(path).size} bytes`);
});
