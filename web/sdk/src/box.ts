import { CODE, ChatError } from "./codes.ts";
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
	private readonly file: CacheFile;
	private readonly engine: Engine;
	private writer = false;
	private failed = false;

	constructor(e: Engine, p: Place) {
		this.engine = e;
		this.place = p;
		this.file = e.env.cache(`${p.user} in app ${p.app} at ${p.server}`);
		this.ready = this.load();
	}

	private async load(): Promise<void> {
		try {
			const kept = await this.file.load();
			if (kept) this.model.load(kept);
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
		for (const row of this.model.rows.values()) this.model.trim(row, this.writer && !this.failed);
		const step = this.model.step();
		if (this.failed) return; // what is kept stays whole
		this.file.write(step).catch((error: unknown) => this.broken(error));
	}

	/** The messages from first to last that are here, the newest so many of them, lowest first. */
	async messages(row: Row, first: number, last: number, count: number): Promise<WireMessage[]> {
		const all = new Map<number, WireMessage | undefined>();
		try {
			for (const m of await this.file.messages(row.peer, first, last, count + row.messages.size)) all.set(m.sequence, m as WireMessage);
		} catch (error) {
			this.broken(error);
		}
		for (const [n, m] of row.messages) if (n >= first && n <= last) all.set(n, m);
		return [...all.values()].filter((m) => m !== undefined).sort((a, b) => int(a.sequence) - int(b.sequence)).slice(-count);
	}

	/** Forgets what is of another past than the server's. */
	forget(): void {
		this.model.clear();
		if (this.writer && !this.failed) this.file.wipe().catch((error: unknown) => this.broken(error));
	}

	/** Goes by the server's name for its past, "" if it has none: another one than before is one that was set back. */
	of(past: string): void {
		if (past === "" || past === this.model.past) return;
		if (this.model.past !== "") this.forget();
		this.model.past = past;
	}

	async wipe(): Promise<void> {
		this.model.clear();
		try {
			await this.file.wipe();
		} catch (error) {
			throw new ChatError(CODE.DATABASE_FAILED, `the cache could not be removed: ${String(error)}`);
		}
	}

	close(): void {
		this.file.close();
	}

	/** The storage is of no use: the client goes on in memory, and says so once. */
	private broken(error: unknown): void {
		if (this.failed) return;
		this.failed = true;
		this.engine.raise("error", { code: CODE.DATABASE_FAILED, message: `conversations are not kept on this device: ${String(error)}` });
	}
}

/** Makes p the account whose conversations can be read. */
export function nameBox(e: Engine, p: Place): Box {
	const b = e.boxes.find((x) => x.place.user === p.user) ?? new Box(e, p);
	const others = e.boxes.filter((x) => x !== b);
	for (const old of others.splice(0, Math.max(0, others.length + 1 - MAX_BOXES))) old.close();
	e.boxes.splice(0, e.boxes.length, ...others, b);
	e.named = b;
	return b;
}
