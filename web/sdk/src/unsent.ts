import type { Engine } from "./engine.ts";
import type { Message } from "./types.ts";
import type { Place } from "./journal.ts";

// Messages that were given to the server and not answered are kept, so that after a
// reload the app finds them and sends the same ones again.

const KEY = "unsent";
const MOST = 50;

export interface Unsent extends Place {
	message: Message;
}

/** All that are kept; what cannot be read is nothing. */
function all(e: Engine): Unsent[] {
	if (e.unsent) return e.unsent;
	let list: Unsent[] = [];
	try {
		const kept: unknown = JSON.parse(e.keep.read(KEY) ?? "[]");
		if (Array.isArray(kept)) list = kept.filter((x: Partial<Unsent>) => typeof x.user === "string" && typeof x.message?.ID === "string");
	} catch {
		// Nobody knows of them any more: the server has them or not.
	}
	for (const x of list) x.message.status = "fail"; // who sent them is gone
	return (e.unsent = list);
}

function save(e: Engine, list: Unsent[]): void {
	e.unsent = list;
	try {
		e.keep.write(KEY, JSON.stringify(list));
	} catch {
		// The promise of sendMessage tells what came of it all the same.
	}
}

const isMine = (e: Engine, x: Unsent, p: Place): boolean => x.user === p.user && x.server === e.set.server && x.app === e.set.app;

export function keepUnsent(e: Engine, p: Place, message: Message): void {
	const { server, app, user } = p;
	const others = all(e).filter((x) => !(isMine(e, x, p) && x.message.ID === message.ID && x.message.to === message.to));
	save(e, [...others, { server, app, user, message }].slice(-MOST));
}

/** The server has it, or the app does not want it any more. */
export function forgetUnsent(e: Engine, user: string, peer: string, id: string): void {
	const list = all(e);
	const p = e.place(user);
	const left = list.filter((x) => !(isMine(e, x, p) && x.message.ID === id && x.message.to === peer));
	if (left.length < list.length) save(e, left);
}

/** Those of an account to another one, in the order in which they were sent. */
export function unsentTo(e: Engine, user: string, peer: string): Message[] {
	const p = e.place(user);
	return all(e).filter((x) => isMine(e, x, p) && x.message.to === peer).map((x) => x.message);
}
