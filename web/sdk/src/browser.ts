import { indexedCache } from "./indexed.ts";
import type { Environment, Keep, Socket, SocketHandler } from "./environment.ts";

/** Bytes that wait for the network; more is a dead one. */
const MAX_BUFFERED = 1 << 20;
/** Characters that a tab's storage must have room for: a device's state has, however long it gets. */
const ROOM = 1 << 16;
/** How long a page that is reloaded may take to let go of its device. */
const LET_GO_WITHIN = 500;

/** This page as the state machine's world. */
export function browser(): Environment {
	return {
		now: () => performance.now(),
		after: (ms, f) => {
			const timer = setTimeout(f, ms);
			return () => clearTimeout(timer);
		},
		random: () => Math.random(),
		randomBytes: (n) => crypto.getRandomValues(new Uint8Array(n)),
		sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)),
		inflate,
		connect,
		keep: tabKeep,
		cache: indexedCache,
		onWake,
		report: (error) => void setTimeout(() => { throw error; }),
	};
}

function connect(url: string, protocol: string, h: SocketHandler): Socket {
	let ws: WebSocket;
	let over = false;
	try {
		ws = new WebSocket(url, protocol);
	} catch (error) { // a page over https asks for ws, or the port is a forbidden one
		setTimeout(() => over || h.failed(`the browser does not connect: ${String(error)}`));
		return { send() {}, close: () => void (over = true) };
	}
	let opened = false;
	ws.onopen = () => {
		opened = true;
		if (ws.protocol === protocol) h.opened();
		else end(() => h.failed("what answers there does not speak our protocol"));
	};
	ws.onmessage = (m: MessageEvent<unknown>) => over || h.received(typeof m.data === "string" ? m.data : "");
	ws.onclose = (c) => end(() => (opened ? h.closed(c.code, c.reason) : h.failed(navigator.onLine ? "no connection could be made" : "the device is offline")));
	const end = (tell: () => void) => {
		if (over) return;
		over = true;
		ws.close();
		tell();
	};
	return {
		send: (text) => {
			if (over || ws.readyState !== WebSocket.OPEN) return;
			ws.send(text);
			if (ws.bufferedAmount > MAX_BUFFERED) end(() => h.closed(0, ""));
		},
		close: () => end(() => {}),
	};
}

async function inflate(bytes: Uint8Array): Promise<string> {
	const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate"));
	const { value } = await stream.getReader().read(); // a UserSig's is shorter than what comes at a time
	return new TextDecoder().decode(value);
}

function onWake(f: () => void): () => void {
	const seen = () => document.visibilityState === "visible" && f();
	addEventListener("online", f);
	addEventListener("pageshow", f);
	document.addEventListener("visibilitychange", seen);
	return () => {
		removeEventListener("online", f);
		removeEventListener("pageshow", f);
		document.removeEventListener("visibilitychange", seen);
	};
}

// A tab is a device of its own: what it keeps lies in its sessionStorage, which a reload
// finds again and a duplicated tab copies. So each device there has a lock, and who
// cannot have the lock is somebody else. A page with several clients has several.

const SLOTS = "rollcall";
/** The devices of this page's clients. */
const mine = new Set<string>();

async function tabKeep(): Promise<Keep> {
	const storage = usable();
	if (!storage) return memory("this page may not keep anything: a reload is a new device");
	const slots = slotsIn(storage);
	const locks: LockManager | undefined = navigator.locks;
	for (const slot of slots) {
		if (mine.has(slot)) continue;
		const release = locks && (await take(locks, slot));
		if (release) return keepIn(storage, slot, release);
		forget(storage, slot); // a copy of another tab's, or nobody knows
	}
	const slot = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
	const release = locks ? await take(locks, slot) : () => {};
	list(storage, slot);
	return keepIn(storage, slot, release ?? (() => {}), locks ? undefined : "this page is not secure (https): a reload is a new device");
}

function usable(): Storage | undefined {
	try {
		sessionStorage.setItem(`${SLOTS}.try`, "x".repeat(ROOM));
		sessionStorage.removeItem(`${SLOTS}.try`);
		return sessionStorage;
	} catch {
		return undefined;
	}
}

function keepIn(storage: Storage, slot: string, release: () => void, lost?: string): Keep {
	mine.add(slot);
	return {
		lost,
		read: (key) => storage.getItem(`${SLOTS}.${slot}.${key}`) ?? undefined,
		write: (key, text) => {
			try {
				list(storage, slot); // it may have been wiped meanwhile
				storage.setItem(`${SLOTS}.${slot}.${key}`, text);
			} catch (error) {
				throw (error as Error).name === "QuotaExceededError" ? new Error("this tab's storage is full") : error;
			}
		},
		release: () => {
			mine.delete(slot);
			release();
		},
	};
}

const slotsIn = (storage: Storage): string[] => (storage.getItem(SLOTS) ?? "").split(" ").filter(Boolean);

function list(storage: Storage, slot: string): void {
	const slots = slotsIn(storage);
	if (!slots.includes(slot)) storage.setItem(SLOTS, [...slots, slot].join(" "));
}

function forget(storage: Storage, slot: string): void {
	const left = slotsIn(storage).filter((x) => x !== slot);
	storage.setItem(SLOTS, left.join(" "));
	for (const key of Object.keys(storage)) if (key.startsWith(`${SLOTS}.${slot}.`)) storage.removeItem(key);
}

function memory(lost: string): Keep {
	const kept = new Map<string, string>();
	return { lost, read: (key) => kept.get(key), write: (key, text) => void kept.set(key, text) };
}

/** Takes a lock for as long as the page lives, or until it is released; undefined: somebody else has it. */
function take(locks: LockManager, slot: string): Promise<(() => void) | undefined> {
	return new Promise((resolve) => {
		const held = () => new Promise<void>((release) => resolve(() => release()));
		locks.request(`${SLOTS}.device.${slot}`, { signal: AbortSignal.timeout(LET_GO_WITHIN) }, held).catch(() => resolve(undefined));
	});
}

/** What people would call this browser: "Firefox on Windows". */
export function describeDevice(): string {
	const ua = navigator.userAgent;
	const of = (names: [RegExp, string][], other: string) => names.find(([pattern]) => pattern.test(ua))?.[1] ?? other;
	const app = of([[/Edg/, "Edge"], [/OPR/, "Opera"], [/Firefox|FxiOS/, "Firefox"], [/Chrome|CriOS/, "Chrome"], [/Safari/, "Safari"]], "A browser");
	const system = of([[/Android/, "Android"], [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Windows/, "Windows"], [/Mac OS/, "Mac"], [/Linux/, "Linux"]], "");
	return system ? `${app} on ${system}` : app;
}
