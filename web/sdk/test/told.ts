import type { Asked } from "../src/spans.ts";
import { int, type Alterations, type Change, type ClientFrame, type MessagesAnswer, type ServerFrame, type View } from "../src/wire.ts";

export interface Kept { sequence: number; sender: string; messageId: string; timeMs: number; recalled?: boolean; content?: { text: string } }

/** What a server has of one conversation of an account, and tells of it. */
export class Told {
	readonly messages: (Kept | undefined)[] = [undefined];
	change = 0;
	/** It does not know any more what became of messages. */
	forgetful = false;
	/** What is before it is not kept any more. */
	keptFrom = 1;
	private deletedSequence = 0;
	private peerReadSequence = 0;
	private readonly altered: { change: number; recalled?: number; deleted?: number }[] = [];

	get last(): number {
		return this.messages.length - 1;
	}

	view(): View {
		const lastMessage = this.messages.findLast((_, n) => n >= this.keptFrom && this.alive(n));
		return { peer: "bob", change: this.change, lastSequence: this.last, deletedSequence: this.deletedSequence, peerReadSequence: this.peerReadSequence, ...(lastMessage && { lastMessage }) };
	}

	say(sender: string): Change {
		const n = this.messages.length;
		const m = { sequence: n, sender, messageId: `m${n}`, timeMs: n, content: { text: `t${n}` } };
		this.messages.push(m);
		return { number: ++this.change, conversation: this.view(), messages: [m] };
	}

	recall(n: number): Change {
		const { content: _, ...m } = this.messages[n]!;
		this.messages[n] = { ...m, recalled: true };
		this.altered.push({ change: ++this.change, recalled: n });
		return { number: this.change, conversation: this.view(), messages: [this.messages[n]] };
	}

	delete(n: number): Change {
		this.messages[n] = undefined;
		this.altered.push({ change: ++this.change, deleted: n });
		return { number: this.change, conversation: this.view(), deleted: [n] };
	}

	clear(): Change {
		this.deletedSequence = this.last;
		return { number: ++this.change, conversation: this.view() };
	}

	/** What became of messages after a change; in full, or as what nobody knows any more. */
	alterations(since: number, all: boolean): Alterations {
		const later = this.altered.filter((x) => x.change > since);
		if (all && later.length > 0) return { peer: "bob", all };
		return { peer: "bob", recalled: later.flatMap((x) => x.recalled ?? []), deleted: later.flatMap((x) => x.deleted ?? []) };
	}

	/** The other side reads all. */
	read(): Change {
		this.peerReadSequence = this.last;
		return { number: ++this.change, conversation: this.view() };
	}

	page(q: Asked, count: number): MessagesAnswer {
		const there = this.messages.filter((_, n) => n >= this.keptFrom && this.alive(n)) as Kept[];
		const wanted = q.after > 0 ? there.filter((m) => m.sequence > q.after) : there.filter((m) => q.before === 0 || m.sequence < q.before);
		const messages = q.after > 0 ? wanted.slice(0, count) : wanted.slice(-count);
		const ends = { fromSequence: messages[0]?.sequence ?? 0, toSequence: messages.at(-1)?.sequence ?? 0 };
		return { messages, ...ends, complete: messages.length === wanted.length, keptFrom: this.keptFrom, change: this.change };
	}

	/** Answers a request about it. */
	answer(f: ClientFrame): ServerFrame | undefined {
		const sync = f.sync as { since: string; alteredSince: string } | undefined;
		if (sync) {
			const since = int(sync.since);
			const news = this.change > since;
			return { sync: { conversations: news ? [this.view()] : [], change: this.change, alterations: news && since > 0 ? [this.alterations(int(sync.alteredSince), this.forgetful)] : [] } };
		}
		const q = f.listMessages as { before: string; after: string; count: number } | undefined;
		return q && { messages: this.page({ before: int(q.before), after: int(q.after), last: this.last }, q.count) };
	}

	alive(n: number): Kept | undefined {
		return n > this.deletedSequence ? this.messages[n] : undefined;
	}
}
