// The wire in its JSON form: what of wire/proto this SDK says and hears. 64-bit
// numbers come as strings, bytes in base64, enums by name, zero values not at all.

/** The subprotocol of frames in JSON. */
export const PROTOCOL = "rollcall.v1.json";
/** Where a server takes connections, below its address. */
export const PATH = "/v1/connect";
/** Where try numbers end. */
export const MAX_TRY = 2 ** 53 - 1;
/** How many bytes a half of a secret has. */
export const HALF_BYTES = 16;
/** At most so many proofs in a login. */
export const MAX_PROOFS = 8;
/** Messages are at most so large, with everything in them. */
export const MAX_MESSAGE_BYTES = 12 << 10;

/** A number on the wire: 64-bit ones are strings. */
export type Int = string | number;

/** A request of the client: one of these, and its number. */
export interface ClientFrame {
	id?: string;
	login?: object;
	resume?: object;
	logout?: object;
	renew?: object;
	ping?: object;
	acknowledgement?: object;
	listSessions?: object;
	signOut?: object;
	send?: object;
	sync?: object;
	listMessages?: object;
	markRead?: object;
	pin?: object;
	deleteConversation?: object;
	recall?: object;
	deleteMessages?: object;
}

export interface ServerFrame {
	id?: Int;
	timeMs?: Int;
	refusal?: Refusal;
	session?: SessionAnswer;
	stale?: { highest?: Int };
	loginAgain?: object;
	logout?: { known?: boolean };
	renew?: { expiresS?: Int };
	ping?: object;
	notice?: Notice;
	sessions?: { sessions?: SessionInfo[] };
	signOut?: { count?: Int; validFromS?: Int };
	change?: Change;
	sync?: SyncAnswer;
	messages?: MessagesAnswer;
}

export interface Refusal {
	code?: number;
	text?: string;
	retryAfterMs?: number;
	kicked?: Notice;
}

export interface SessionAnswer {
	session?: Int;
	connection?: Int;
	expiresS?: Int;
	heartbeatMs?: number;
	renewalCode?: number;
	renewalText?: string;
	past?: string;
}

export interface Notice {
	session?: Int;
	reason?: string;
	code?: number;
	text?: string;
	atMs?: Int;
	bySession?: Int;
	byPlatform?: number;
	byDeviceName?: string;
	expired?: boolean;
	byRule?: string;
	byLimit?: number;
}

export interface SessionInfo {
	session?: Int;
	platform?: number;
	deviceId?: string;
	deviceName?: string;
	loginMs?: Int;
	awaySinceMs?: Int;
	address?: string;
	current?: boolean;
}

export interface Content {
	text?: string;
	custom?: { data?: string; description?: string; extension?: string };
	cloudCustomData?: string;
}

export interface WireMessage {
	sequence?: Int;
	sender?: string;
	messageId?: string;
	timeMs?: Int;
	content?: Content;
	recalled?: boolean;
}

export interface View {
	peer?: string;
	change?: Int;
	lastSequence?: Int;
	lastMessage?: WireMessage;
	readSequence?: Int;
	peerReadSequence?: Int;
	unread?: number;
	pinned?: boolean;
	deletedSequence?: Int;
	deleted?: boolean;
}

export interface Change {
	number?: Int;
	conversation?: View;
	messages?: WireMessage[];
	deleted?: Int[];
}

export interface SyncAnswer {
	conversations?: View[];
	change?: Int;
	more?: boolean;
	alterations?: Alterations[];
}

export interface Alterations {
	peer?: string;
	recalled?: Int[];
	deleted?: Int[];
	all?: boolean;
}

export interface MessagesAnswer {
	messages?: WireMessage[];
	fromSequence?: Int;
	toSequence?: Int;
	complete?: boolean;
	keptFrom?: Int;
	change?: Int;
}

/** The number that a member holds; what is missing or none is 0. */
export function int(x: Int | undefined): number {
	const n = Number(x ?? 0);
	return Number.isSafeInteger(n) ? n : 0;
}

export const isUserID = (s: unknown): s is string => typeof s === "string" && /^[\w-]{1,32}$/.test(s);

/** A sentence from elsewhere as one line for people: nothing in it moves a cursor. */
export function line(text: unknown): string {
	return typeof text === "string" ? text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim().slice(0, 1000) : "";
}

/** Reads a frame; undefined: it is none. */
export function parse(text: string): ServerFrame | undefined {
	try {
		const frame: unknown = JSON.parse(text);
		return typeof frame === "object" && frame !== null && !Array.isArray(frame) ? frame : undefined;
	} catch {
		return undefined;
	}
}

export function toBase64(bytes: Uint8Array): string {
	let s = "";
	for (const b of bytes) s += String.fromCharCode(b);
	return btoa(s);
}

/** The bytes that text names; what is no base64 are none. */
export function fromBase64(text: string): Uint8Array {
	try {
		return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
	} catch {
		return new Uint8Array();
	}
}

const utf8 = new TextEncoder();

export const bytesOf = (text: string): Uint8Array => utf8.encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** How many bytes a message's content has in the schema's binary form. */
export function contentBytes(c: Content): number {
	const text = (s: string | undefined) => (s ? member(utf8.encode(s).length) : 0);
	const x = c.custom;
	const custom = x && (x.data ? member(fromBase64(x.data).length) : 0) + text(x.description) + text(x.extension);
	return text(c.text) + text(c.cloudCustomData) + (custom === undefined ? 0 : member(custom));
}

/** The size of a member: its tag, its length and itself. */
function member(n: number): number {
	return 1 + (n < 1 << 7 ? 1 : n < 1 << 14 ? 2 : n < 1 << 21 ? 3 : 4) + n;
}
