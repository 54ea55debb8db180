// What the state machine needs of the world. A browser is one (browser.ts); tests
// and other hosts bring their own, with a clock that they move.

/** A WebSocket as the SDK uses it. Its calls never throw. */
export interface Socket {
	/** Sends a text frame. */
	send(text: string): void;
	/** Ends it: what was sent before still goes out, nothing more is heard of it. */
	close(): void;
}

/** What a socket tells. After `failed` or `closed` it tells nothing more. */
export interface SocketHandler {
	/** The connection stands, with the subprotocol that was asked for. */
	opened(): void;
	/** It could not be made. */
	failed(text: string): void;
	/** A text frame came. */
	received(text: string): void;
	/** It has ended, with the server's close code and reason, as far as there are any. */
	closed(code: number, reason: string): void;
}

/** Keeps a few texts for this device alone, so that a reload or a crash finds them. */
export interface Keep {
	read(key: string): string | undefined;
	/** Returns when the text is kept; throws when it cannot be. */
	write(key: string, text: string): void;
	/** Why nothing outlives this page; undefined: it does. */
	readonly lost?: string | undefined;
	/** Gives it back: the client has ended. */
	release?(): void;
}

/** A row of a cache: what is known of one conversation. */
export interface CacheRow {
	peer: string;
	/** The server's view, as it came. */
	view: unknown;
	/** Spans of sequences of which nothing is missing, lowest first. */
	spans: [number, number][];
	/** The app has heard of the messages up to here. */
	told: number;
	/** The change number with which a message was last recalled or deleted. */
	altered: number;
	/** What is here of these sequences may have been recalled or deleted meanwhile. */
	look?: [number, number] | undefined;
}

/** Some messages of a conversation, as they came. */
export interface CacheMessages {
	peer: string;
	put: { sequence: number }[];
	/** All sequences from the first to the second are removed before. */
	remove: [number, number][];
}

/** One step of a cache, kept as a whole or not at all. */
export interface CacheStep {
	/** The server's name for the past that all this is of. */
	past: string;
	/** The change number that was seen. */
	change: number;
	/** That up to which recalls and deletions were seen, too. */
	whole: number;
	rows: CacheRow[];
	messages: CacheMessages[];
}

/** What is kept of one account's conversations, for all devices that share a storage. */
export interface CacheFile {
	/** All rows, and of which past and up to which change they are; undefined: nothing is kept. */
	load(): Promise<Omit<CacheStep, "messages"> | undefined>;
	/** Messages with a sequence from `first` to `last`, the newest so many of them, lowest first. */
	messages(peer: string, first: number, last: number, count: number): Promise<{ sequence: number }[]>;
	/** Keeps a step. Only the one writer that the storage has may be told so; for others it does nothing. */
	write(step: CacheStep): Promise<void>;
	/** Called when this device has become the writer, at once or later, with all that it knows. */
	onWriter(all: () => CacheStep): void;
	/** Removes everything. */
	wipe(): Promise<void>;
	close(): void;
}

export interface Environment {
	/** A clock that only goes forward, in ms. */
	now(): number;
	/** Calls f after ms, at most 2^31 - 1. Returns what ends it. */
	after(ms: number, f: () => void): () => void;
	/** Evenly in [0, 1). */
	random(): number;
	/** So many bytes that nobody can guess. */
	randomBytes(n: number): Uint8Array;
	/** SHA-256; rejects where there is none. */
	sha256(bytes: Uint8Array): Promise<Uint8Array>;
	/** The text that zlib has made into bytes, or the beginning of it; rejects what is none. */
	inflate(bytes: Uint8Array): Promise<string>;
	/** Begins to connect; the handler is called later, never before this returns. */
	connect(url: string, protocol: string, handler: SocketHandler): Socket;
	/** The device's keep, once it is certain that no other client has it. */
	keep(): Promise<Keep>;
	/**
	 * The cache of an account that this text names. Calls lost when what was kept is gone,
	 * before the writer keeps anew what is here; with an error when it keeps nothing any more.
	 */
	cache(owner: string, lost: (why?: unknown) => void): CacheFile;
	/** Calls f whenever the network may be back or the device was awake again. Returns what ends it. */
	onWake(f: () => void): () => void;
	/** Takes what an app's handler has thrown. */
	report(error: unknown): void;
}
