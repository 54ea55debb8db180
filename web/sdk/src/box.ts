import { CODE, ChatError, reason } from "./codes.ts";
import { Heard } from "./heard.ts";
import { int, type WireMessage } from "./wire.ts";
import { Model, type Row } from "./model.ts";
import type { CacheFile } from "./environment.ts";
import type { Engine } from "./engine.ts";
import type { Place } from "./journal.ts";

/** So many accounts are held in memory. */
const MAX_BOXES = 4;

/**
 * What the client holds of an account's conversations. It outlives seats: the app may
 * read it while nobody is in.
 */
export class Box {
	readonly place: Place;
	readonly model = new Model();
	/** Its account is in. */
	live = false;
	/** What was kept has been read. */
	loaded = false;
	readonly ready: Promise<void>;
	/** Unread messages, as told last. */
	total = 0;
	/** The list is to be told, and has not been yet. */
	listWaits = false;
	readonly heard: Heard;
	private readonly file: CacheFile;
	private readonly engine: Engine;
	private written: Promise<unknown> = Promise.resolve();
	private readers = 0;
	private writer = false;
	private failed = false;

	constructor(e: Engine, p: Place) {
		this.engine = e;
		this.place = p;
		this.model.user = p.user;
		this.heard = new Heard(e, ownerOf(p));
		this.model.heard = (peer) => this.heard.of(peer);
		this.file = e.env.cache(ownerOf(p), (why) => this.lost(why));
		this.ready = this.load();
	}

	private async load(): Promise<void> {
		try {
			const kept = await this.file.load();
			if (kept) this.model.load(kept);
			if (kept?.past === this.heard.past) for (const row of this.model.rows.values()) row.heard = this.heard.of(row.peer) ?? row.heard;
		} catch (error) {
			this.broken(error);
		}
		this.loaded = true;
		this.total = this.model.unread;
		this.file.onWriter(() => {
			this.writer = true;
			return this.model.all();
		});
	}

	/** Keeps what has changed, in the background. */
	save(): void {
		const step = this.model.step();
		if (!this.failed) { // else what is kept stays whole
			this.written = this.file.write(step).catch((error: unknown) => this.broken(error));
		}
		this.trim();
	}

	/** Lets go of older messages once they are kept, unless somebody reads. */
	private trim(): void {
		void this.written.then(() => {
			if (this.readers === 0) for (const row of this.model.rows.values()) this.model.trim(row, this.writer && !this.failed);
		});
	}

	/** Calls read, and lets go of no message until it is done. */
	async holding<T>(read: () => Promise<T>): Promise<T> {
		this.readers++;
		try {
			return await read();
		} finally {
			this.readers--;
			this.trim();
		}
	}

	/** The messages from first to last that are here, the newest so many of them, lowest first. */
	async messages(row: Row, first: number, last: number, count: number): Promise<WireMessage[]> {
		const all = new Map<number, WireMessage | undefined>();
		for (const m of await this.kept(row, first, last, count + row.messages.size)) all.set(int(m.sequence), m);
		for (const [n, m] of row.messages) if (n >= first && n <= last) all.set(n, m);
		return [...all.values()].filter((m) => m !== undefined).sort((a, b) => int(a.sequence) - int(b.sequence)).slice(-count);
	}

	/** The same, of those that the storage has. */
	async kept(row: Row, first: number, last: number, count: number): Promise<WireMessage[]> {
		await this.written;
		try {
			return (await this.file.messages(row.peer, first, last, count)) as WireMessage[];
		} catch (error) {
			this.broken(error);
			return [];
		}
	}

	/** Counts messages as heard, before the app hears of them. */
	hears(told: { row: Row; upTo: number }[]): void {
		for (const { row, upTo } of told) {
			this.model.hears(row, upTo);
			this.heard.mark(row.peer, row.heard);
		}
		this.heard.save();
		this.save();
	}

	/** Forgets what is of another past than the server's. */
	forget(): void {
		this.model.clear();
		this.heard.clear(this.model.past);
		if (this.writer && !this.failed) this.file.wipe().catch((error: unknown) => this.broken(error));
	}

	/** Goes by the server's name for its past, "" if it has none: another one than before is one that was set back. */
	of(past: string): void {
		if (past === "") return;
		if (this.model.past !== "" && this.model.past !== past) this.forget();
		this.model.past = past;
		if (this.heard.past !== past) this.heard.clear(past);
	}

	async wipe(): Promise<void> {
		await this.ready;
		this.model.clear();
		this.heard.clear(this.model.past);
		try {
			await this.file.wipe();
		} catch (error) {
			throw new ChatError(CODE.DATABASE_FAILED, `the cache could not be removed: ${reason(error)}`);
		}
	}

	close(): void {
		this.file.close();
	}

	/** What was kept is gone; or, with a reason, nothing is kept any more. */
	private lost(why: unknown): void {
		if (why) this.broken(why);
		else this.model.countOnMemory();
	}

	/** The storage is of no use: the client goes on in memory, and says so once. */
	private broken(error: unknown): void {
		if (this.failed) return;
		this.failed = true;
		this.engine.raise("error", { code: CODE.DATABASE_FAILED, message: `from now on conversations are not kept on this device: ${reason(error)}` });
	}
}

const ownerOf = (p: Place): string => `${p.user} in app ${p.app} at ${p.server}`;

/** The box of p, if it is open, or one that nobody keeps. */
export const boxOf = (e: Engine, p: Place): Box => e.boxes.find((x) => x.place.user === p.user) ?? new Box(e, p);

/** Makes p the account whose conversations can be read. */
export function nameBox(e: Engine, p: Place): Box {
	const b = boxOf(e, p);
	const others = e.boxes.filter((x) => x !== b);
	for (const old of others.splice(0, Math.max(0, others.length + 1 - MAX_BOXES))) old.close();
	e.boxes.splice(0, e.boxes.length, ...others, b);
	e.named = b;
	return b;
}
