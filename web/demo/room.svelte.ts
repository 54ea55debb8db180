// All that the page knows, and all that it does. It asks the SDK and `rollcall dev`;
// the components show what is here.
import { EVENT, createOn, describeDevice, type Chat, type Conversation, type LoginSession, type Message } from "@rollcall/sdk";
import type { Tone } from "@rollcall/design";
import { act, type Phone, type Settings, type Standing } from "./dev.ts";
import { keep, recall } from "./keep.ts";
import { same } from "./key.ts";
import { cameFrom } from "./opened.ts";
import { ended, kicked, notSent, phoneActs, phoneHeard, pushedOut, second, sentence, why } from "./words.ts";
import { Wire, type Frame } from "./wire.ts";

/** One thing that happened, in a sentence. */
export interface Told {
	number: number;
	at: Date;
	tone: Tone;
	text: string;
}

const MOST_FRAMES = 200;
const MOST_TOLD = 100;
/** How long a UserSig lasts that is to end soon. */
export const SOON = 10;

export class Room {
	app = $state(0);
	settings = $state<Settings>();
	key = $state("");
	/** How far this computer's clock is ahead of the server's, in ms. */
	ahead = $state(0);
	/** There is a server to ask. */
	served = $state(true);

	/** The account named in the last login; "": nobody since the last logout. */
	user = $state("");
	device = $state("");
	status = $state<1 | 2 | 3>(3);
	net = $state<"connected" | "connecting" | "disconnected">("disconnected");
	cut = $state(false);
	/** Why nobody is in any more. */
	out = $state("");
	/** When the UserSig ends, in ms. */
	sigEnds = $state(0);
	session = $state(0);

	conversations = $state.raw<Conversation[]>([]);
	unread = $state(0);
	peer = $state("");
	messages = $state.raw<Message[]>([]);
	earlier = $state("");
	gaps = $state(false);
	sessions = $state.raw<LoginSession[]>([]);
	phone = $state.raw<Phone | null>(null);

	told = $state.raw<Told[]>([]);
	frames = $state.raw<Frame[]>([]);
	/** A scenario is being played, or an act carried out. */
	busy = $state(false);

	/** Who opened this page, and for whom. */
	readonly from = cameFrom();
	private chat: Chat | undefined;
	private readonly wire = new Wire(() => this.now(), (f) => this.hear(f));
	private number = 0;
	private phoneHeard = 0;
	/** Since when what a phone heard is news, in ms by the server's clock. */
	private newsFrom = 0;

	async start(): Promise<void> {
		this.device = describeDevice();
		await this.refresh();
		this.newsFrom = this.now().getTime();
		const kept = recall();
		if (kept?.device) this.device = kept.device;
		const user = this.from.ours ? this.from.user : kept?.user;
		if (user) await this.enter(user);
		setInterval(() => void this.watch(), 1500);
	}

	/** What is so with the app, and with the account's phone. */
	async refresh(): Promise<void> {
		try {
			const s = await act("state", this.user ? { user: this.user } : {});
			this.served = true;
			this.ahead = Date.now() - s.nowMs;
			this.app = s.app;
			this.settings = s.settings;
			this.key = s.keys.at(-1) ?? "";
			this.phone = s.phone;
			this.hearPhone(s.phone);
		} catch {
			this.served = false;
		}
	}

	/** Looks after a phone, while there is one, and for a server that has gone. */
	private async watch(): Promise<void> {
		if (document.visibilityState === "visible" && (this.phone || !this.served)) await this.refresh();
	}

	/** What time it is, by the server's clock. */
	now(): Date {
		return new Date(Date.now() - this.ahead);
	}

	private hearPhone(p: Phone | null): void {
		if (!p) return;
		for (const h of p.heard) {
			const text = h.number > this.phoneHeard && h.atMs >= this.newsFrom && phoneHeard(h.what, h.text ?? "");
			if (text) this.say(h.what.endsWith("succeeded") ? "plain" : "warn", text);
		}
		this.phoneHeard = Math.max(this.phoneHeard, ...p.heard.map((h) => h.number));
	}

	// ── Who is in ──

	async enter(user: string, seconds?: number): Promise<boolean> {
		this.out = "";
		try {
			const { userSig, ends } = await act("usersig", seconds ? { user, seconds } : { user });
			const chat = await this.client();
			const { sessions: before, settings } = await act("state", { user });
			this.settings = settings;
			this.sessions = [];
			this.user = user;
			this.status = 2;
			await chat.login({ userID: user, userSig });
			this.sigEnds = ends * 1000;
			keep({ user, device: this.device });
			await this.tellWhoWent(before, settings.instances["Web"] ?? 1);
			return true;
		} catch (error) {
			this.say("bad", `Not logged in: ${why(error)}`);
			this.out = `Not logged in: ${why(error)}`;
			return false;
		} finally {
			this.follow();
			await this.list();
		}
	}

	/** Says which sessions of other devices had to go for this one. */
	private async tellWhoWent(before: Standing[], limit: number): Promise<void> {
		await this.listSessions();
		const mine = this.sessions.find((s) => s.isCurrent);
		if (!mine) return; // it has gone itself
		for (const s of before) {
			if (s.deviceId !== mine.deviceID && !this.sessions.some((x) => x.session === s.session)) this.say("warn", pushedOut(s, limit));
		}
	}

	async leave(): Promise<void> {
		await this.doing(async () => {
			const heard = this.status !== 1 || this.net === "connected";
			try {
				await this.chat?.logout();
			} finally {
				this.forget();
			}
			this.say("plain", heard ? "You logged out: the session has ended, and its place is free." : "You logged out. The server does not know it yet: it hears of it as soon as it can be reached.");
		});
	}

	private forget(): void {
		keep(null);
		this.user = this.peer = this.out = "";
		this.conversations = this.messages = [];
		this.sessions = [];
		this.phone = null;
		this.phoneHeard = 0;
		this.newsFrom = this.now().getTime();
		this.unread = 0;
		this.follow();
	}

	/** The tab's client; another device name makes another one. */
	private async client(): Promise<Chat> {
		if (this.chat && this.named === this.device) return this.chat;
		await this.chat?.destroy();
		this.named = this.device;
		this.chat = createOn(this.wire.environment(), { SDKAppID: this.app, proxyServer: location.origin, deviceName: this.device });
		this.listen(this.chat);
		return this.chat;
	}
	private named = "";

	private listen(chat: Chat): void {
		chat.on(EVENT.SDK_READY, () => {
			this.say("good", `Logged in as ${this.user}. This tab is a session now.`);
			this.follow();
		});
		chat.on(EVENT.KICKED_OUT, ({ data }) => {
			this.out = kicked(data);
			this.say("bad", this.out);
			this.sessions = [];
			keep(null);
			this.follow();
			void this.refresh(); // it may have been a phone
		});
		chat.on(EVENT.NET_STATE_CHANGE, ({ data }) => {
			const lost = this.net === "connected" && data.state !== "connected" && this.status === 1;
			if (lost) this.say("warn", "The connection is lost. You stay logged in: the SDK makes a new one by itself.");
			if (data.state === "connected" && this.status === 1 && this.net !== "connected") {
				this.say("good", "Connected again.");
				void this.listSessions();
			}
			this.net = data.state;
			this.follow();
			if (data.state === "disconnected") void this.refresh(); // has the server gone?
		});
		chat.on(EVENT.USERSIG_WILL_EXPIRE, ({ data }) => this.say("warn", `Your UserSig ends at ${second(new Date(data.time * 1000))}: renew it, and the session goes on.`));
		chat.on(EVENT.ERROR, ({ data }) => this.say("warn", sentence(`${data.message} (${data.code})`)));
		chat.on(EVENT.CONVERSATION_LIST_UPDATED, ({ data }) => {
			this.conversations = data;
			if (this.messages.some((m) => m.status === "fail")) void this.page(); // it may have arrived
			else void this.read();
		});
		chat.on(EVENT.TOTAL_UNREAD_MESSAGE_COUNT_UPDATED, ({ data }) => (this.unread = data));
		const merge = ({ data }: { data: Message[] }) => this.merge(data);
		chat.on(EVENT.MESSAGE_RECEIVED, merge);
		chat.on(EVENT.MESSAGE_REVOKED, merge);
		chat.on(EVENT.MESSAGE_READ_BY_PEER, merge);
	}

	private follow(): void {
		this.status = this.chat?.getLoginStatus() ?? 3;
	}

	// ── Talking ──

	async list(): Promise<void> {
		try {
			const { data } = (await this.chat?.getConversationList()) ?? {};
			this.conversations = data?.conversationList ?? [];
			this.unread = this.chat?.getTotalUnreadMessageCount() ?? 0;
		} catch {
			this.conversations = []; // nobody was named since the logout
		}
	}

	async open(peer: string): Promise<void> {
		this.peer = peer;
		this.messages = [];
		await this.page();
	}

	/** Reads the newest page of the open conversation. */
	async page(): Promise<void> {
		const peer = this.peer;
		if (!peer || !this.chat) return;
		try {
			const { data } = await this.chat.getMessageList({ conversationID: `C2C${peer}`, count: 30 });
			if (this.peer !== peer) return;
			this.messages = data.messageList;
			this.earlier = data.nextReqMessageID;
			this.gaps = data.gaps.length > 0;
		} catch {
			// a conversation that is only about to begin has no page, and after a logout nobody has
		}
		await this.read();
	}

	/** Puts messages, as they are now, into the open conversation. */
	private merge(changed: Message[]): void {
		const here = changed.filter((m) => m.conversationID === `C2C${this.peer}`).map((m) => ({ ...m })); // what is drawn again is another one
		const rest = this.messages.filter((m) => !here.some((x) => same(x, m)));
		const last = (m: Message) => m.sequence || Infinity; // not answered yet
		if (here.length) this.messages = [...rest, ...here].sort((a, b) => last(a) - last(b) || a.time - b.time);
	}

	/** Marks the open conversation as read, if somebody can see it. */
	async read(): Promise<void> {
		const open = this.conversations.find((c) => c.userProfile.userID === this.peer);
		if (!open?.unreadCount || document.visibilityState !== "visible" || this.status !== 1 || this.net !== "connected") return;
		try {
			await this.chat?.setMessageRead({ conversationID: open.conversationID });
		} catch {
			// the next change or look at the page tries again
		}
	}

	/** Somebody looks at the page again. */
	async seen(): Promise<void> {
		await Promise.all([this.read(), this.refresh()]);
	}

	async pageBack(): Promise<void> {
		await this.doing(async () => {
			if (!this.chat || !this.earlier) return;
			const { data } = await this.chat.getMessageList({ conversationID: `C2C${this.peer}`, nextReqMessageID: this.earlier, count: 30 });
			this.messages = [...data.messageList, ...this.messages];
			this.earlier = data.nextReqMessageID;
		});
	}

	/** Sends a text, and tells whether it stands in the conversation: as sent, or to be sent again. */
	async send(text: string): Promise<boolean> {
		try {
			return !!this.chat && (await this.deliver(this.chat.createTextMessage({ to: this.peer, payload: { text } })));
		} catch (error) {
			this.say("bad", `Not sent: ${why(error)}`);
			return false;
		}
	}

	/** Sends a message; the same one again is still one. */
	async deliver(message: Message): Promise<boolean> {
		const peer = message.to;
		try {
			const { data } = (await this.chat?.sendMessage(message)) ?? {};
			if (data) this.merge([data.message]);
			return true;
		} catch (error) {
			this.say("bad", notSent(peer, error));
			await this.page();
			return this.messages.some((m) => same(m, message));
		}
	}

	async takeBack(message: Message): Promise<void> {
		await this.doing(async () => {
			const { data } = (await this.chat?.revokeMessage(message)) ?? {};
			if (data) this.merge([data.message]);
		});
	}

	async pin(c: Conversation): Promise<void> {
		await this.doing(async () => void (await this.chat?.pinConversation({ conversationID: c.conversationID, isPinned: !c.isPinned })));
	}

	async remove(c: Conversation): Promise<void> {
		await this.doing(async () => {
			await this.chat?.deleteConversation(c.conversationID);
			if (this.peer === c.userProfile.userID) this.peer = "";
		});
	}

	// ── Where I am logged in ──

	async listSessions(): Promise<void> {
		try {
			const { data } = (await this.chat?.getLoginSessions()) ?? {};
			this.sessions = data?.sessionList ?? [];
			this.session = this.sessions.find((s) => s.isCurrent)?.session ?? 0;
		} catch {
			// no connection: what was last seen stays
		}
	}

	async signOut(session?: number): Promise<void> {
		await this.doing(async () => {
			if (session) await this.chat?.signOut(session);
			else await this.chat?.signOutOthers();
			this.say("plain", session ? `You signed session ${session} out. Its device is told, now or when it comes back.` : "You signed out everywhere else.");
			await this.listSessions();
		});
	}

	// ── Making things happen ──

	async doing(f: () => Promise<void>): Promise<void> {
		this.busy = true;
		try {
			await f();
		} catch (error) {
			this.say("bad", sentence(why(error)));
		} finally {
			this.busy = false;
			this.follow();
		}
	}

	setCut(cut: boolean): void {
		this.cut = cut;
		this.say("plain", cut ? "You cut this tab's network. The session is away now: it keeps its place for a minute, then it ends." : "The network is back.");
		this.wire.setCut(cut);
	}

	async endSoon(): Promise<void> {
		await this.doing(async () => {
			const user = this.user;
			await this.chat?.logout();
			this.say("plain", `You log in anew with a UserSig that is good for ${SOON} seconds. Renew it in time, or see it end.`);
			await this.enter(user, SOON);
		});
	}

	async renew(): Promise<void> {
		await this.doing(async () => {
			const { userSig, ends } = await act("usersig", { user: this.user });
			await this.chat?.renewUserSig(userSig);
			this.sigEnds = ends * 1000;
			this.say("good", `The session goes on with a new UserSig, until ${second(new Date(this.sigEnds))} tomorrow. Nobody logged in anew.`);
		});
	}

	async kick(): Promise<void> {
		await this.doing(async () => {
			this.say("plain", "An operator kicks this session.");
			const { sessions } = await act("kick", this.session ? { user: this.user, session: this.session } : { user: this.user });
			if (sessions === 0) this.say("plain", "It had ended already.");
		});
	}

	async revoke(): Promise<void> {
		await this.doing(async () => {
			this.say("plain", `All UserSigs of ${this.user} are revoked, and its sessions end with them. This is the vendor's kick by REST.`);
			await act("revoke", { user: this.user });
		});
	}

	async setPolicy(change: Partial<Settings>): Promise<void> {
		await this.doing(async () => {
			this.settings = await act("policy", change.policy ? { ...change, groups: null } : change);
			const s = this.settings;
			this.say("plain", `The policy is ${s.policy} now, with ${s.instances["Web"] ?? 1} on the Web. It counts from the next login on: nobody was thrown out by it.`);
		});
	}

	async setTelling(change: Partial<Settings>): Promise<void> {
		await this.doing(async () => {
			this.settings = await act("policy", change);
			const { tell_kicked_on_reconnect: s1, tell_kicked_on_login: s2 } = this.settings;
			this.say("plain", `Who was kicked while away is told so ${s1 && s2 ? "when it comes back and when it logs in" : s1 ? "when it comes back by itself" : s2 ? "when it logs in" : "in neither case: it just takes its place back"}.`);
		});
	}

	async apply(): Promise<void> {
		await this.doing(async () => {
			this.say("plain", "The policy is put in force for everybody who is in.");
			const { sessions } = await act("apply", {});
			this.say("plain", `It is in force now: ${ended(sessions)}.`);
			await this.listSessions();
		});
	}

	async rotate(): Promise<void> {
		await this.doing(async () => {
			const { keys } = await act("key", {});
			this.key = keys.at(-1) ?? "";
			this.say("good", `The app has a new key, ${this.key}, and the old one is gone. Nobody was logged out by that, but UserSigs of the old key let nobody in any more: also those that \`rollcall dev\` printed. It has printed new ones.`);
		});
	}

	async restart(): Promise<void> {
		await this.doing(async () => {
			this.say("plain", "The server restarts. It asks everybody to come back, spread over a few seconds; sessions and messages are on its disk.");
			await act("restart", {});
		});
	}

	async usePhone(what: keyof typeof phoneActs): Promise<void> {
		await this.doing(async () => {
			this.say("plain", phoneActs[what]);
			await this.phoneDoes(this.user, what);
			await this.listSessions();
		});
	}

	private async phoneDoes(user: string, what: keyof typeof phoneActs): Promise<void> {
		this.phone = await act("phone", { user, do: what });
		this.hearPhone(this.phone);
	}

	/** This tab loses its network, an operator kicks it, and it comes back. */
	async kickedAway(): Promise<void> {
		await this.doing(async () => {
			const session = this.session;
			this.setCut(true);
			await until(async () => (await act("state", { user: this.user })).sessions.every((s) => s.session !== session || !s.connected));
			this.say("plain", "While this tab was away, an operator kicked its session. Nobody could tell it.");
			await act("kick", { user: this.user, session });
			await pause(1200);
			this.setCut(false);
		});
	}

	/** The phone loses its network, this tab takes its place, and the phone comes back: all under policy single. */
	async phoneAway(): Promise<void> {
		await this.doing(async () => {
			const { settings: before } = await act("state", {});
			const putBack = () => act("policy", { policy: before.policy, groups: before.policy === "custom" ? before.groups : null });
			const leave = () => void putBack().catch(() => undefined); // the page is left in the midst of it: nobody is there to be told
			addEventListener("pagehide", leave);
			try {
				this.settings = await act("policy", { policy: "single", groups: null });
				await this.phoneTaken(this.user, this.settings);
			} finally {
				removeEventListener("pagehide", leave);
				this.settings = await putBack();
				this.follow();
				this.say("plain", `The policy is ${before.policy}${before.policy === "single" ? ", as before" : " again"}${this.status === 3 ? ". This tab is out until you log in again" : ""}.`);
				await this.refresh();
			}
		});
	}

	private async phoneTaken(user: string, settings: Settings): Promise<void> {
		this.say("plain", "Policy single: one platform at a time. The phone logs in first, so this tab has to go.");
		if (this.phone) await this.phoneDoes(user, "logout");
		await this.phoneDoes(user, "login");
		await until(() => Promise.resolve(this.chat?.getLoginStatus() === 3));
		await this.phoneDoes(user, "cut");
		await pause(1200);
		this.say("plain", "The phone is cut off. Now this tab logs in and takes its place; the phone cannot know.");
		if (!(await this.enter(user))) return;
		await pause(1200);
		this.say("plain", `The phone has its network back. The first switch is ${settings.tell_kicked_on_reconnect ? "on, so it is told that it was kicked, and stays out" : "off, so it logs in by itself again, and kicks this tab"}.`);
		await this.phoneDoes(user, "mend");
		await pause(1200);
	}

	say(tone: Tone, text: string): void {
		this.told = [{ number: ++this.number, at: this.now(), tone, text }, ...this.told].slice(0, MOST_TOLD);
	}

	private hear(f: Frame): void {
		this.frames = [f, ...this.frames].slice(0, MOST_FRAMES);
	}
}

const pause = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

/** Waits until it is so, at most 8 s. */
async function until(is: () => Promise<boolean>): Promise<void> {
	for (let left = 40; left > 0; left--) {
		if (await is()) return;
		await pause(200);
	}
	throw new Error("It took too long: try again.");
}
