import { act, checked, history, markRead, named, newMessage, noConversation, peerOf, recall, removeMessages, send } from "./talk.ts";
import { boxOf } from "./box.ts";
import { Call } from "./call.ts";
import { closed, notLoggedIn } from "./request.ts";
import { CODE, ChatError } from "./codes.ts";
import { conversationOf } from "./convert.ts";
import { Engine, LOGINED, LOGINING, type Settings, type Status } from "./engine.ts";
import { firstList } from "./firstlist.ts";
import { follow } from "./follow.ts";
import { Journal } from "./journal.ts";
import { login } from "./login.ts";
import { learnEnd, mayBeOver } from "./usersig.ts";
import { logout } from "./logout.ts";
import { renewUserSig } from "./renew.ts";
import { sessions, signOut, type SignedOut } from "./devices.ts";
import { TYPES, type Conversation, type CustomPayload, type LoginSession, type Message, type Response, type TextPayload } from "./types.ts";
import type { Environment } from "./environment.ts";
import type { Events } from "./events.ts";

/** What a handler gets: the event's name and what it brings. */
export interface ChatEvent<K extends keyof Events = keyof Events> {
	name: K;
	data: Events[K];
}

type Handler<K extends keyof Events> = (event: ChatEvent<K>) => void;

const ok = <T>(data: T): Response<T> => ({ code: 0, data });

/**
 * A client: one account at a time, on one device, which is this tab. {@link create}
 * makes it.
 *
 * Every call that returns a promise is refused with a {@link ChatError}, whose code
 * says what to do; 6013 after destroy() goes without saying. Those that ask the server
 * are sent at once or not at all, and never again by themselves: 6014 nobody is in,
 * 9508 there is no connection, 9520 no answer came and it may have happened, 7008 more
 * than 32 wait, 60018 and 70500 too often or no room now.
 */
export class Chat {
	private readonly engine: Engine;
	private readonly handlers = new Map<string, { handler: Handler<never>; context: unknown }[]>();
	private readonly opened: Promise<void>;
	/** The calls that wait to be made; undefined: none does. */
	private turn: Promise<void> | undefined;
	private entering = 0;

	/** Use {@link create}. */
	constructor(env: Environment, settings: Settings) {
		this.engine = new Engine(env, settings, (name, data) => this.emit(name, data));
		this.opened = this.open(env);
		this.turn = this.opened;
	}

	private async open(env: Environment): Promise<void> {
		const e = this.engine;
		const keep = await env.keep();
		e.keep = keep;
		e.journal = new Journal(env, keep);
		if (keep.lost) e.raise("error", { code: CODE.IO_FAILED, message: keep.lost });
		if (this.turn === this.opened) this.turn = undefined;
		e.step(() => {}); // what an earlier page could not deliver goes out
	}

	private emit<K extends keyof Events>(name: K, data: Events[K]): void {
		for (const { handler, context } of [...(this.handlers.get(name) ?? [])]) {
			if (this.engine.closed) return;
			try {
				(handler as Handler<K>).call(context, { name, data });
			} catch (error) {
				this.engine.env.report(error);
			}
		}
	}

	/** Lets a handler hear of an event, each time, until {@link off}. It may call everything. */
	on<K extends keyof Events>(eventName: K, handler: Handler<K>, context?: unknown): void {
		this.handlers.set(eventName, [...(this.handlers.get(eventName) ?? []), { handler: handler as Handler<never>, context }]);
	}

	/** Takes a handler away that was given to {@link on}, with the same context. */
	off<K extends keyof Events>(eventName: K, handler: Handler<K>, context?: unknown): void {
		const left = (this.handlers.get(eventName) ?? []).filter((x) => x.handler !== (handler as Handler<never>) || x.context !== context);
		this.handlers.set(eventName, left);
	}

	/**
	 * Logs an account in. The promise is kept when the account is usable. It takes at
	 * most 15 s; until then the SDK tries again when a connection cannot be made, is lost,
	 * or the server asks to come back.
	 *
	 * The same account and UserSig again succeed without traffic (`repeatLogin`); a new
	 * UserSig for the account that is in is a renewal, see {@link renewUserSig}. Another
	 * account logs the first one out; if it fails, nobody is in.
	 *
	 * Refused with 6206 and 70001: the UserSig has expired: get another. 7003, 6017: the
	 * call is wrong. 7501: a login of the account is on its way. 7008, 72010, 70050: too
	 * often. 9508, 9510, 6012: no connection, or no answer. 6023: ended by logout() or
	 * another login(). 7009: by destroy(). 6022: nothing can be kept. 70500: no room now.
	 * 70051: the account is disabled. Others: docs/codes.md.
	 */
	login(options: { userID: string; userSig: string }): Promise<Response<{ repeatLogin: boolean }>> {
		const k = new Call<Response<{ repeatLogin: boolean }>>(options?.userID, options?.userSig);
		this.enter(k as Call, () => login(this.engine, k as Call), k.userSig);
		return k.promise;
	}

	/**
	 * Gives the account that is in a new UserSig, with which its session goes on; never a
	 * login of anybody else. Refused, the session and its old UserSig stay (70402: the new
	 * one ends sooner). Without a connection it succeeds, and the UserSig goes with the
	 * next one. 6014: nobody is in; 7501: a login or renewal is on its way.
	 */
	renewUserSig(userSig: string): Promise<Response<{ repeatLogin: boolean }>> {
		const k = new Call<Response<{ repeatLogin: boolean }>>("", userSig);
		this.enter(k as Call, () => renewUserSig(this.engine, k as Call), userSig);
		return k.promise;
	}

	/**
	 * Logs out whoever is in; a login on its way gets 6023. It succeeds when that is kept
	 * here, and waits up to 2 s for the server: what it did not acknowledge is delivered
	 * in the background. With nobody in it does nothing. 6022: out, but it could not be
	 * kept.
	 */
	logout(): Promise<Response<object>> {
		const k = new Call<Response<object>>();
		this.enter(k as Call, () => logout(this.engine, k as Call));
		return k.promise;
	}

	/**
	 * Ends the client: logs out, frees everything, and no handler runs any more. With
	 * keepSession it does not log out: the session is away, as when the page is closed,
	 * and ends by itself after a minute. A login on its way gets 7009.
	 */
	async destroy(options?: { keepSession?: boolean }): Promise<void> {
		if (this.engine.closed) return;
		if (!options?.keepSession && this.engine.user) await this.logout();
		this.engine.stop();
	}

	/** Makes a call after those before it, once what is to be known for it is. */
	private enter(k: Call, f: () => void, userSig = ""): void {
		const e = this.engine;
		if (e.closed) {
			k.reject(closed());
			return;
		}
		const known = !mayBeOver(e, userSig);
		if (!this.turn && known) {
			e.step(f);
			return;
		}
		if (userSig) this.entering++;
		const turn = (this.turn ?? Promise.resolve()).then(async () => {
			if (!known) await learnEnd(e, userSig);
			if (userSig) this.entering--;
			if (this.turn === turn) this.turn = undefined;
			if (e.closed) k.reject(new ChatError(CODE.INTERRUPTED, "the client was destroyed"));
			else e.step(f);
		});
		this.turn = turn;
	}

	/** Makes a call, now or once what is kept is read. */
	private async run<T>(f: () => Promise<T> | T): Promise<T> {
		if (!this.engine.journal) await this.opened;
		if (this.engine.closed) throw closed();
		let result: Promise<T> | T | undefined;
		this.engine.step(() => {
			result = f();
		});
		return result as T;
	}

	/** Whether an account is in. It stays so while a lost connection is made again; calls get 9508 then. */
	isReady(): boolean {
		return this.engine.status === LOGINED;
	}

	/** The account that is in; "" when nobody is, or not yet. */
	getLoginUser(): string {
		return this.engine.user;
	}

	/** Ours: 1 an account is in, 2 a login is on its way, 3 nobody is in. */
	getLoginStatus(): Status {
		return this.entering > 0 && !this.engine.seat ? LOGINING : this.engine.status;
	}

	/** The server's clock in seconds since 1970 UTC, whatever the device's says; 0 before the server was heard. */
	getServerTime(): number {
		return Math.floor(this.engine.clock.now() / 1000);
	}

	/** Ours: where the account is logged in, by number; asks the server. */
	getLoginSessions(): Promise<Response<{ sessionList: LoginSession[] }>> {
		return this.run(async () => ok({ sessionList: await sessions(this.engine) }));
	}

	/**
	 * Ours: ends another session of the account; its device hears of it, now or when it
	 * comes back. With userSigs all UserSigs of the account that were made until now are
	 * dead as well; this session lives on, and its next renewal or login needs a new one.
	 * 70402: no such session, or this one.
	 */
	signOut(session: number, options?: { userSigs?: boolean }): Promise<Response<SignedOut>> {
		return this.run(async () => {
			if (!Number.isSafeInteger(session) || session < 1) throw new ChatError(CODE.INVALID_PARAMETERS, "session: want a number that getLoginSessions lists");
			return ok(await signOut(this.engine, session, options?.userSigs === true));
		});
	}

	/** Ours: ends all sessions of the account but this one. */
	signOutOthers(options?: { userSigs?: boolean }): Promise<Response<SignedOut>> {
		return this.run(async () => ok(await signOut(this.engine, 0, options?.userSigs === true)));
	}

	/**
	 * Makes a text message to another account; {@link sendMessage} sends it. Throws 7003
	 * (no legal userID), 6017 (empty, or no text), 8001 (over 12 KB all in all).
	 */
	createTextMessage(options: { to: string; conversationType?: "C2C"; payload: TextPayload; cloudCustomData?: string }): Message {
		return newMessage(this.engine, options.to, { type: TYPES.MSG_TEXT, payload: { text: options.payload?.text } }, options.cloudCustomData);
	}

	/** Makes a message with data of the app's own; as {@link createTextMessage}. */
	createCustomMessage(options: { to: string; conversationType?: "C2C"; payload: Partial<CustomPayload>; cloudCustomData?: string }): Message {
		const { data = "", description = "", extension = "" } = options.payload ?? {};
		return newMessage(this.engine, options.to, { type: TYPES.MSG_CUSTOM, payload: { data, description, extension } }, options.cloudCustomData);
	}

	/**
	 * Sends a message. The promise is kept when it is on the server's disk; the message
	 * given then has its sequence and time. After 9520 nobody here knows whether the server
	 * has it: send the same message again, and there is still one. Until it is answered it
	 * is kept, and {@link getMessageList} shows it with status "fail", also after a reload.
	 * 20003: no such account. 6017: its ID was used with another content.
	 */
	sendMessage(message: Message): Promise<Response<{ message: Message }>> {
		return this.run(async () => ok({ message: await send(this.engine, message) }));
	}

	/** Takes back a message that the account has sent, for both sides. 20022: somebody else's; 20016: too late (2 minutes, unless the app says otherwise); 20023: it was taken back already. */
	revokeMessage(message: Message): Promise<Response<{ message: Message }>> {
		return this.run(async () => ok({ message: await recall(this.engine, message) }));
	}

	/** Deletes up to 50 messages of one conversation, for this account on all its devices. Such as were not sent are forgotten here. */
	deleteMessage(messageList: Message[]): Promise<Response<{ messageList: Message[] }>> {
		return this.run(async () => {
			await removeMessages(this.engine, messageList);
			return ok({ messageList });
		});
	}

	/**
	 * The account's conversations: pinned ones first, then by their last message. It comes
	 * from this device, at once, also without a network, after a failed login, a kick or
	 * an expired UserSig: then it is the list of the account named in the last login, as
	 * last seen. On a device that has never had the whole list it waits for that while it
	 * is on its way: from a login's success until it is there, or the connection is lost,
	 * the session ends, the server asks to come back later, or 10 s are over. Then it is
	 * what there is, and `isSyncCompleted` is false. After a logout: 6014.
	 */
	getConversationList(conversationIDList?: string[]): Promise<Response<{ conversationList: Conversation[]; isSyncCompleted: boolean }>> {
		return this.run(async () => {
			const b = named(this.engine);
			await b.ready;
			await firstList(this.engine, b);
			if (this.engine.closed) throw closed();
			if (named(this.engine) !== b) throw notLoggedIn();
			const wanted = conversationIDList?.map(peerOf);
			const list = b.model.list().filter((r) => !wanted || wanted.includes(r.peer));
			return ok({ conversationList: list.map((r) => conversationOf(b.place.user, r)), isSyncCompleted: b.model.synced });
		});
	}

	/** One conversation of the list. 6004: it is not there. */
	getConversationProfile(conversationID: string): Promise<Response<{ conversation: Conversation }>> {
		return this.run(async () => {
			peerOf(conversationID);
			const { data } = await this.getConversationList([conversationID]);
			const conversation = data.conversationList[0];
			if (!conversation) throw noConversation();
			return ok({ conversation });
		});
	}

	/** Unread messages of all conversations; 0 when there is no list to read. */
	getTotalUnreadMessageCount(): number {
		return this.engine.named?.model.unread ?? 0;
	}

	/** Pins a conversation to the top of the list, or lets it go, for the account. 51012: over 50. */
	pinConversation(options: { conversationID: string; isPinned: boolean }): Promise<Response<{ conversationID: string }>> {
		const { conversationID, isPinned } = options;
		return this.run(async () => {
			await act(this.engine, { pin: { peer: peerOf(conversationID), pinned: isPinned } });
			return ok({ conversationID });
		});
	}

	/** Deletes a conversation and its messages up to now, for the account. It is back with the next message. */
	deleteConversation(conversationID: string): Promise<Response<{ conversationID: string }>> {
		return this.run(async () => {
			await act(this.engine, { deleteConversation: { peer: peerOf(conversationID) } });
			return ok({ conversationID });
		});
	}

	/**
	 * A page of a conversation, oldest first: the newest, or those before
	 * `nextReqMessageID`, which the page before has brought. From the server, merged with
	 * what is here, while somebody is in and connected; else what this device has of the
	 * account named in the last login. `gaps` are spans of sequences that may be missing
	 * here: the next call with a connection fills them. Ours: `local` asks no server.
	 * After a logout: 6014.
	 */
	getMessageList(options: { conversationID: string; nextReqMessageID?: string; count?: number; local?: boolean }): Promise<Response<{ messageList: Message[]; nextReqMessageID: string; isCompleted: boolean; gaps: [number, number][] }>> {
		return this.run(async () => {
			const { messages, next, gaps } = await history(this.engine, options.conversationID, options.nextReqMessageID ?? "", options.count ?? 15, options.local === true);
			return ok({ messageList: messages, nextReqMessageID: next, isCompleted: next === "", gaps });
		});
	}

	/** Marks a conversation as read, on all devices of the account; the other side hears of it. 6004: it is not there. */
	setMessageRead(options: { conversationID: string }): Promise<Response<object>> {
		return this.run(async () => {
			await markRead(this.engine, options.conversationID);
			return ok({});
		});
	}

	/**
	 * Ours: removes what this browser holds of an account's conversations: of the one named
	 * in the last login, or of any other, also after a logout. The server keeps its own: who
	 * is in gets it from there again, and nothing that was said before is told as new.
	 */
	wipeCache(userID?: string): Promise<Response<object>> {
		return this.run(async () => {
			const e = this.engine;
			const b = userID === undefined ? named(e) : boxOf(e, e.place(checked(userID)));
			await b.wipe();
			if (!e.boxes.includes(b)) b.close();
			const s = e.seat;
			if (s?.box === b && !s.login) e.step(() => follow(e, s, "")); // what the server has comes back
			return ok({});
		});
	}
}
