import { int, type MessagesAnswer } from "./wire.ts";

/** Sequences, both ends included. */
export type Span = [first: number, last: number];

/** What a page of messages was asked for with. */
export interface Asked {
	/** Those before it; 0 with `after` 0: the newest. */
	before: number;
	/** Those after it. */
	after: number;
	/** The latest message, as was known then. */
	last: number;
}

export const holds = ([first, last]: Span, n: number): boolean => first <= n && n <= last;

/** Spans that have come together with another one, lowest first. */
export function joined(spans: Span[], span: Span): Span[] {
	const apart = spans.filter(([a, b]) => b < span[0] - 1 || a > span[1] + 1);
	const near = spans.filter((s) => !apart.includes(s));
	const all: Span[] = [...apart, [Math.min(span[0], ...near.map((s) => s[0])), Math.max(span[1], ...near.map((s) => s[1]))]];
	return all.sort((a, b) => a[0] - b[0]);
}

/** What of a span is in none of these, which stand lowest first. */
export function without([first, last]: Span, spans: Span[]): Span[] {
	const left: Span[] = [];
	let next = first;
	for (const [a, b] of spans) {
		if (a > next && next <= last) left.push([next, Math.min(a - 1, last)]);
		next = Math.max(next, b + 1);
	}
	if (next <= last) left.push([next, last]);
	return left;
}

/** What a page spans: between what was asked for and the page's far end the server has nothing else. */
export function spanOf(q: Asked, a: MessagesAnswer): Span {
	const list = a.messages ?? [];
	let first = int(list[0]?.sequence);
	let last = int(list.at(-1)?.sequence);
	if (list.length > 0 && int(a.fromSequence) > 0) {
		first = Math.min(first, int(a.fromSequence));
		last = Math.max(last, int(a.toSequence));
	}
	const done = a.complete === true || list.length === 0;
	if (q.after > 0) return [q.after + 1, done ? Math.max(last, q.last) : last];
	return [done ? 1 : first, q.before > 0 ? q.before - 1 : Math.max(last, q.last)];
}
