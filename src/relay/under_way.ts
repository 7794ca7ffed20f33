/** Something that knows its own place among those under way. */
export interface Placed {
  /** -1 while it is not among them. For {@linkcode UnderWay} alone. */
  place: number;
}

/**
 * What is under way: a set in no order, whose members know their places in it.
 *
 * A `Set` that is added to and taken from all the time leaves tables behind, each with the members that it had once:
 * those tables live for long, and with them all that hangs on those members.
 */
export class UnderWay<Member extends Placed> {
  readonly #members: Member[] = [];

  add(member: Member): void {
    if (member.place < 0) member.place = this.#members.push(member) - 1;
  }

  delete(member: Member): void {
    const { place } = member;
    if (place < 0) return;
    member.place = -1;
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[place] = last;
    last.place = place;
  }

  /** Those that are under way at this moment. */
  list(): readonly Member[] {
    return [...this.#members];
  }
}
