import type { Message } from "@rollcall/sdk";

/** What a message of a conversation is known by: its place, or, until it has one, its sender and how that one has named it. */
export const key = (m: Message): string => (m.sequence > 0 ? String(m.sequence) : named(m));

/** Tells whether two are the same message of a conversation, one of them perhaps before it had a place. */
export const same = (a: Message, b: Message): boolean => (a.sequence > 0 && b.sequence > 0 ? a.sequence === b.sequence : named(a) === named(b));

const named = (m: Message): string => `${m.from} ${m.ID}`;
