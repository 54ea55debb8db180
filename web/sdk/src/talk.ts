import { CODE, ChatError } from "./codes.ts";
import { changed } from "./follow.ts";
import { contentBytes, int, isUserID, MAX_MESSAGE_BYTES, toBase64, type Change, type MessagesAnswer, type ServerFrame } from "./wire.ts";
import { contentOf, messageOf } from "./convert.ts";
import { forgetUnsent, keepUnsent, unsentTo } from "./unsent.ts";
import { noNews } from "./model.ts";
import { notLoggedIn, request } from "./request.ts";
import { tell } from "./news.ts";
import { TYPES, type Message } from "./types.ts";
import type { Box } from "./box.ts";
import type { Engine } from "./engine.ts";
import type { Asked } from "./spans.ts";
import type { Seat } from "./seat.ts";

const MAX_SENT = 10_000;
const MAX_PAGE = 100;
/** The server's pages are shorter where messages are long: so many make one of the app's. */
const MAX_FETCHES = 30;

export const noConversation = (): ChatError => new ChatError(CODE.NO_CONVERSATION, "there is no such conversation in the list");
const invalid = (text: string): ChatError => new ChatError(CODE.INVALID_PARAMETERS, text);

/** The other side of a conversation, by its id. */
export function peerOf(conversationID: unknown): string {
	const peer = typeof conversationID === "string" && conversationID.startsWith(TYPES.CONV_C2C) ? conversationID.slice(3) : "";
	if (!isUserID(peer)) throw invalid('conversationID: want "C2C" and a userID');
	return peer;
}

export function checked(userID: unknown): string {
	if (!isUserID(userID)) throw new ChatError(CODE.ILLEGAL_USER_ID, "illegal userID: want 1 to 32 of a-z, A-Z, 0-9, _ and -");
	return userID;
}

/** The account whose conversations can be read. */
export function named(e: Engine): Box {
	if (!e.named) throw notLoggedIn();
	return e.named;
}

export function newMessage(e: Engine, name: unknown, body: Pick<Message, "type" | "payload">, cloudCustomData = ""): Message {
	const to = checked(name);
	const m = {
		ID: toBase64(e.env.randomBytes(18)).replaceAll("+", "-").replaceAll("/", "_"),
		conversationID: TYPES.CONV_C2C + to,
		conversationType: TYPES.CONV_C2C,
		from: e.user,
		to,
		flow: "out",
		time: Math.floor(e.clock.now() / 1000),
		sequence: 0,
		status: "unSend",
		isRevoked: false,
		isPeerRead: false,
		isRead: true,
		cloudCustomData,
		...body,
	} as Message;
	check(m);
	return m;
}

function check(m: Message): void {
	const texts: unknown[] = m.type === TYPES.MSG_TEXT ? [m.payload.text] : [m.payload.data, m.payload.description, m.payload.extension];
	if (!/^[\w-]{1,64}$/.test(m.ID)) throw invalid("message ID: want 1 to 64 of a-z, A-Z, 0-9, _ and -");
	if ([...texts, m.cloudCustomData].some((t) => typeof t !== "string")) throw invalid("the message's payload: want texts");
	if (m.type === TYPES.MSG_TEXT && m.payload.text === "") throw invalid("the message is empty");
	if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test((texts as string[]).join("\n") + m.cloudCustomData)) throw invalid("the message is no text: half of a surrogate pair");
	const bytes = contentBytes(contentOf(m));
	if (bytes > MAX_MESSAGE_BYTES) throw new ChatError(CODE.MESSAGE_TOO_LARGE, `a message of ${bytes} bytes: want at most ${MAX_MESSAGE_BYTES}`);
}

/** Takes the change with which a request was answered. */
const hearChange = (e: Engine) => (s: Seat, f: ServerFrame): void => {
	if (f.change) changed(e, s, f.change);
};
const takeChange = (f: ServerFrame): Change | undefined => f.change;

/** Sends a message; the one given tells what became of it, too. */
export async function send(e: Engine, m: Message): Promise<Message> {
	check(m);
	checked(m.to);
	const { user } = e;
	const key = `${m.to} ${m.ID}`;
	m.status = "unSend";
	m.from = user;
	try {
		if (user) {
			e.sent.add(key);
			for (const old of e.sent) if (e.sent.size > MAX_SENT) e.sent.delete(old);
			keepUnsent(e, e.place(user), m);
		}
		const change = await request(e, { frame: { send: { peer: m.to, messageId: m.ID, content: contentOf(m) } }, take: takeChange, hear: hearChange(e) });
		const sent = change.messages?.find((x) => x.messageId === m.ID && x.sender === user);
		if (sent) Object.assign(m, messageOf(user, { ...change.conversation, peer: m.to }, sent));
		m.status = "success";
		forgetUnsent(e, user, m.to, m.ID);
		return m;
	} catch (error) {
		m.status = "fail";
		if (user && error instanceof ChatError && !mayBeSent(error.code)) forgetUnsent(e, user, m.to, m.ID);
		throw error;
	}
}

/** The same message may be at the server, or be taken later. */
function mayBeSent(code: number): boolean {
	const sent: number[] = [CODE.UNANSWERED, CODE.DISCONNECTED, CODE.NOT_LOGGED_IN, CODE.CALL_FREQUENCY, CODE.TOO_MANY_REQUESTS, CODE.INTERNAL];
	return sent.includes(code);
}

/** Asks for a change of a conversation. */
export async function act(e: Engine, frame: object): Promise<void> {
	await request(e, { frame, take: takeChange, hear: hearChange(e) });
}

export async function recall(e: Engine, m: Message): Promise<Message> {
	const sequence = int(m.sequence);
	if (sequence === 0) throw invalid("the message was not sent");
	try {
		await act(e, { recall: { peer: peerOf(m.conversationID), sequence: String(sequence) } });
	} catch (error) {
		m.isRevoked ||= error instanceof ChatError && error.code === CODE.ALREADY_RECALLED;
		throw error;
	}
	m.isRevoked = true;
	return m;
}

export async function removeMessages(e: Engine, list: Message[]): Promise<void> {
	const first = list[0];
	if (!first || list.length > 50 || list.some((m) => m.conversationID !== first.conversationID)) throw invalid("want 1 to 50 messages of one conversation");
	const peer = peerOf(first.conversationID);
	const user = named(e).place.user;
	for (const m of list) if (m.sequence === 0) forgetUnsent(e, user, peer, m.ID);
	const sequences = list.filter((m) => m.sequence > 0).map((m) => String(m.sequence));
	if (sequences.length > 0) await act(e, { deleteMessages: { peer, sequences } });
}

export async function markRead(e: Engine, conversationID: string): Promise<void> {
	const peer = peerOf(conversationID);
	if (!e.user) throw notLoggedIn();
	const view = e.seat?.box.model.rows.get(peer)?.view;
	const last = int(view?.lastSequence);
	if (last === 0) throw noConversation();
	if (last <= int(view?.readSequence)) return; // there is nothing to mark
	await act(e, { markRead: { peer, sequence: String(last) } });
}

export interface Page {
	messages: Message[];
	/** Ask with it for those before; "" : there are none. */
	next: string;
	gaps: [number, number][];
}

/** A page of a conversation: from the server, merged with what is here, while somebody is in and connected, unless what is here is enough. */
export async function history(e: Engine, conversationID: string, next: string, count: number, local: boolean): Promise<Page> {
	const peer = peerOf(conversationID);
	const before = next === "" ? 0 : Number(next);
	if (!Number.isSafeInteger(before) || before < 0 || !Number.isSafeInteger(count) || count < 1 || count > MAX_PAGE) {
		throw invalid(`a page of ${count} messages before "${next}": want 1 to ${MAX_PAGE}, and a nextReqMessageID`);
	}
	const b = named(e);
	await b.ready;
	return b.holding(async () => {
		if (!local) await fetchPage(e, b, peer, before, count);
		return pageOf(e, b, peer, before, count);
	});
}

/** A page of what is here. */
async function pageOf(e: Engine, b: Box, peer: string, before: number, count: number): Promise<Page> {
	if (e.named !== b) throw notLoggedIn(); // somebody else is in by now
	const row = b.model.rows.get(peer);
	const user = b.place.user;
	const waiting = before === 0 ? unsentTo(e, user, peer) : [];
	if (!row) return { messages: waiting, next: "", gaps: [] };
	const last = before > 0 ? before - 1 : int(row.view.lastSequence);
	const first = int(row.view.deletedSequence) + 1;
	const all = await b.messages(row, first, last, count);
	if (e.named !== b) throw notLoggedIn();
	const lowest = all.length === count ? int(all[0]?.sequence) : first;
	return {
		messages: [...all.map((m) => messageOf(user, row.view, m)), ...waiting],
		next: lowest > first ? String(lowest) : "",
		gaps: b.model.gaps(row, lowest, last),
	};
}

/** Brings a page here, if there is a server to ask. */
async function fetchPage(e: Engine, b: Box, peer: string, before: number, count: number): Promise<void> {
	let got = 0;
	for (let i = 0; i < MAX_FETCHES && got < count; i++) {
		const q = { before, after: 0, last: int(b.model.rows.get(peer)?.view.lastSequence) };
		let taken = true;
		try {
			const a = await request(e, {
				frame: { listMessages: { peer, before: String(before), count: count - got } },
				box: b,
				take: (f) => f.messages,
				hear: (s, f) => f.messages && (taken = takePage(e, s, peer, q, f.messages)),
			});
			if (!taken) continue; // it is from before something was recalled or deleted
			got += a.messages?.length ?? 0;
			before = int(a.fromSequence);
			if (a.complete || before <= 1) return;
		} catch (error) {
			const local: number[] = [CODE.NOT_LOGGED_IN, CODE.DISCONNECTED, CODE.UNANSWERED];
			if (error instanceof ChatError && local.includes(error.code)) return;
			throw error;
		}
	}
}

function takePage(e: Engine, s: Seat, peer: string, q: Asked, a: MessagesAnswer): boolean {
	const row = s.box.model.rows.get(peer);
	if (!row) return true;
	const news = noNews();
	const taken = s.box.model.page(row, q, a, news);
	tell(e, s, news);
	return taken;
}
