import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { CacheFile, CacheRow, CacheStep } from "./environment.ts";

// What is kept of accounts' conversations, for all tabs of an origin. One of them is
// the writer of an account, by a Web Lock; when it goes, another one is.

const NAME = "rollcall";
const VERSION = 1;
/** A browser that does not open it in time has it held by another tab, or never will. */
const OPEN_WITHIN = 5000;
const AGAIN_AFTER = 100;

/** What to tell people of a browser's errors. */
const words: Record<string, string> = {
	VersionError: "a newer version of this page was open in this browser, so reload this one",
	QuotaExceededError: "the browser's storage is full",
	SecurityError: "the browser does not let this page keep anything",
};

const plain = (error: unknown): unknown => (error instanceof Error && words[error.name] ? new Error(words[error.name]) : error);
const ignore = (): void => {};

/** Waits for a transaction. */
async function done(tx: Promise<void>): Promise<void> {
	try {
		await tx;
	} catch (error) {
		throw plain(error);
	}
}

interface Schema extends DBSchema {
	accounts: { key: string; value: { owner: string; past: string; change: number; whole: number } };
	rows: { key: [string, string]; value: CacheRow & { owner: string } };
	messages: { key: [string, string, number]; value: { owner: string; peer: string; sequence: number } };
}

/** All of an owner's, whatever follows in the key. */
const of = (...key: string[]) => IDBKeyRange.bound(key, [...key, []]);

/** Opens the database; closed is called when it was closed from outside, with the version it makes way for: null is its own removal. */
async function open(closed: (newer: number | null) => void): Promise<IDBPDatabase<Schema>> {
	const end = performance.now() + OPEN_WITHIN;
	for (;;) {
		const opening = openDB<Schema>(NAME, VERSION, {
			upgrade(db, from) {
				if (from >= 1) return;
				db.createObjectStore("accounts", { keyPath: "owner" });
				db.createObjectStore("rows", { keyPath: ["owner", "peer"] });
				db.createObjectStore("messages", { keyPath: ["owner", "peer", "sequence"] });
			},
			blocking: (_now, newer, event) => {
				(event.target as IDBDatabase).close();
				closed(newer);
			},
			terminated: () => closed(null),
		});
		try {
			return await Promise.race([opening, within(end)]);
		} catch (error) {
			opening.then((db) => db.close(), ignore);
			if ((error as Error).name !== "AbortError" || performance.now() > end) throw plain(error);
			await new Promise((go) => setTimeout(go, AGAIN_AFTER)); // it is being removed
		}
	}
}

const within = (end: number): Promise<never> => new Promise((_, fail) => setTimeout(() => fail(new Error("the browser does not open its storage")), end - performance.now()));

export function indexedCache(owner: string, lost: (why?: unknown) => void = ignore): CacheFile {
	let db: Promise<IDBPDatabase<Schema>> | undefined;
	let everything: (() => CacheStep) | undefined;
	let writes = false;
	let over = false;
	let closed = false;
	let release = ignore;
	let last: Promise<unknown> = Promise.resolve();

	const use = () => (db ??= open(gone));
	const gone = (newer: number | null): void => {
		if (closed) return;
		db = undefined;
		lost();
		if (newer === null) { // removed by the person, another tab or the browser
			if (writes) begin();
			return;
		}
		const why = new Error(words["VersionError"]);
		db = Promise.reject(why);
		db.catch(ignore);
		leave(why);
	};
	/** Keeps nothing any more, and lets another tab be the writer. */
	const leave = (why: unknown): void => {
		if (over) return;
		over = true;
		writes = false;
		release();
		lost(why);
	};
	const begin = (): void => {
		if (closed || over || !everything) return;
		writes = true;
		last = put(everything());
		last.catch(leave);
	};

	const put = async (step: CacheStep): Promise<void> => {
		const tx = (await use()).transaction(["accounts", "rows", "messages"], "readwrite");
		const accounts = tx.objectStore("accounts");
		const rows = tx.objectStore("rows");
		const messages = tx.objectStore("messages");
		accounts.put({ owner, past: step.past, change: step.change, whole: step.whole }).catch(ignore); // tx.done says so
		for (const r of step.rows) rows.put({ ...r, owner }).catch(ignore);
		for (const { peer, put: list, remove } of step.messages) {
			for (const [first, end] of remove) messages.delete(IDBKeyRange.bound([owner, peer, first], [owner, peer, end])).catch(ignore);
			for (const m of list) messages.put({ ...m, owner, peer }).catch(ignore);
		}
		await done(tx.done);
	};

	const remove = async (): Promise<void> => {
		const tx = (await use()).transaction(["accounts", "rows", "messages"], "readwrite");
		tx.objectStore("accounts").delete(owner).catch(ignore);
		tx.objectStore("rows").delete(of(owner)).catch(ignore);
		tx.objectStore("messages").delete(of(owner)).catch(ignore);
		await done(tx.done);
	};

	return {
		async load() {
			const tx = (await use()).transaction(["accounts", "rows"]);
			const [account, rows] = await Promise.all([tx.objectStore("accounts").get(owner), tx.objectStore("rows").getAll(of(owner))]);
			return account && { ...account, rows };
		},
		async messages(peer, first, end, count) {
			const tx = (await use()).transaction("messages");
			const found: { sequence: number }[] = [];
			let at = await tx.store.openCursor(IDBKeyRange.bound([owner, peer, first], [owner, peer, end]), "prev");
			for (; at && found.length < count; at = await at.continue()) found.unshift(at.value);
			return found;
		},
		async write(step) {
			if (!writes || closed || (step.rows.length === 0 && step.messages.length === 0)) return;
			last = last.catch(ignore).then(() => put(step));
			await last.catch(leave);
		},
		onWriter(all) {
			everything = all;
			const locks: LockManager | undefined = navigator.locks;
			if (!locks) {
				begin();
				return;
			}
			const held = () => new Promise<void>((resolve) => {
				release = resolve;
				if (closed || over) resolve();
				else begin();
			});
			locks.request(`${NAME}.cache.${owner}`, held).catch(ignore);
		},
		async wipe() {
			await (last = last.catch(ignore).then(remove));
		},
		close() {
			closed = true;
			void last.catch(ignore).then(async () => {
				release();
				(await db)?.close();
			}).catch(ignore);
		},
	};
}
