import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { CacheFile, CacheRow, CacheStep } from "./environment.ts";

// What is kept of accounts' conversations, for all tabs of an origin. One of them is
// the writer of an account, by a Web Lock; when it goes, another one is.

const NAME = "rollcall";
const VERSION = 1;

interface Schema extends DBSchema {
	accounts: { key: string; value: { owner: string; past: string; change: number; whole: number } };
	rows: { key: [string, string]; value: CacheRow & { owner: string } };
	messages: { key: [string, string, number]; value: { owner: string; peer: string; sequence: number } };
}

/** All of an owner's, whatever follows in the key. */
const of = (...key: string[]) => IDBKeyRange.bound(key, [...key, []]);

function open(lost: () => void): Promise<IDBPDatabase<Schema>> {
	return openDB<Schema>(NAME, VERSION, {
		upgrade(db) {
			db.createObjectStore("accounts", { keyPath: "owner" });
			db.createObjectStore("rows", { keyPath: ["owner", "peer"] });
			db.createObjectStore("messages", { keyPath: ["owner", "peer", "sequence"] });
		},
		blocking: (_now, _next, event) => { // another tab brings a newer layout
			(event.target as IDBDatabase).close();
			lost();
		},
		terminated: lost,
	});
}

export function indexedCache(owner: string): CacheFile {
	let db: Promise<IDBPDatabase<Schema>> | undefined;
	const use = () => (db ??= open(() => (db = undefined)));
	let writes = false;
	let closed = false;
	let release = () => {};
	let last: Promise<unknown> = Promise.resolve();

	const put = async (step: CacheStep): Promise<void> => {
		const tx = (await use()).transaction(["accounts", "rows", "messages"], "readwrite");
		const accounts = tx.objectStore("accounts");
		const rows = tx.objectStore("rows");
		const messages = tx.objectStore("messages");
		void accounts.put({ owner, past: step.past, change: step.change, whole: step.whole });
		for (const r of step.rows) void rows.put({ ...r, owner });
		for (const { peer, put: list, remove } of step.messages) {
			for (const [first, end] of remove) void messages.delete(IDBKeyRange.bound([owner, peer, first], [owner, peer, end]));
			for (const m of list) void messages.put({ ...m, owner, peer });
		}
		await tx.done;
	};

	const remove = async (): Promise<void> => {
		const tx = (await use()).transaction(["accounts", "rows", "messages"], "readwrite");
		void tx.objectStore("accounts").delete(owner);
		void tx.objectStore("rows").delete(of(owner));
		void tx.objectStore("messages").delete(of(owner));
		await tx.done;
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
			await (last = last.catch(() => {}).then(() => put(step)));
		},
		onWriter(all) {
			const begin = () => {
				if (closed) return;
				writes = true;
				last = put(all());
				last.catch(() => {}); // the next write says so
			};
			const locks: LockManager | undefined = navigator.locks;
			if (!locks) {
				begin();
				return;
			}
			const held = () => new Promise<void>((resolve) => {
				release = resolve;
				if (closed) resolve();
				else begin();
			});
			locks.request(`${NAME}.cache.${owner}`, held).catch(() => {});
		},
		async wipe() {
			await (last = last.catch(() => {}).then(remove));
		},
		close() {
			closed = true;
			void last.catch(() => {}).then(async () => {
				release();
				(await db)?.close();
			}).catch(() => {});
		},
	};
}
