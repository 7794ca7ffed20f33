import type { Provider } from "../provider.ts";

/** How much a provider without a stake weighs against the highest stake that is given. */
const WITHOUT_STAKE = 10;

/**
 * The stakes of a relay's providers. One for which none is configured weighs ten times the highest that is, or 10 when
 * none is at all: a stake is given to those that should have less.
 */
export function stakesOf(providers: readonly Pick<Provider, "stake">[]): readonly number[] {
  const highest = Math.max(0, ...providers.map(({ stake }) => stake ?? 0));
  const fallback = highest > 0 ? WITHOUT_STAKE * highest : WITHOUT_STAKE;
  return providers.map(({ stake }) => stake ?? fallback);
}
