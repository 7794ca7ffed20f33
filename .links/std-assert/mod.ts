import nodeAssert from "node:assert/strict";

/** Fails unless `expr` is truthy. */
export function assert(expr: unknown, msg?: string): asserts expr {
  nodeAssert.ok(expr, msg);
}

/** Fails unless the two are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, msg);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  nodeAssert.ok(
    actual.includes(expected),
    msg ?? `expected ${JSON.stringify(actual)} to contain ${JSON.stringify(expected)}`,
  );
}

/** Fails unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  nodeAssert.match(actual, expected, msg);
}

/** Fails unless `fn` throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new nodeAssert.AssertionError({ message: msg ?? "expected function to throw" });
}

/** Fails unless the promise of `fn` rejects; returns what it rejected with. */
export async function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown> {
  try {
    await fn();
  } catch (error) {
    return error;
  }
  throw new nodeAssert.AssertionError({ message: msg ?? "expected function to reject" });
}

/** Fails unless the two numbers differ by `tolerance` at the most. */
export function assertAlmostEquals(actual: number, expected: number, tolerance = 1e-7, msg?: string): void {
  const isNear = Object.is(actual, expected) || Math.abs(expected - actual) <= tolerance;
  nodeAssert.ok(isNear, msg ?? `expected ${actual} to be within ${tolerance} of ${expected}`);
}
