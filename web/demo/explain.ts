// What each frame is, in a sentence or two.
import type { Frame } from "./wire.ts";

/** Why a connection has ended that the SDK itself gave up. */
export const HUNG_UP = "this tab hung up";

/** What this tab sends, by its name in the schema. */
export const UP: Record<string, string> = {
	login: "Asks for a session for this tab. The UserSig says who it is; the two halves are a secret that this tab has just drawn: the fixed one names this attempt, so that a repetition is no second login. The server keeps only their hashes.",
	resume: "Comes back to the same session on a new connection, which kicks nobody. It proves itself with the present half of the secret and hands in the next one, so a stolen copy is noticed at its second use.",
	logout: "Ends the session that has this fixed half, and no other. It was written down before it was sent: if no answer comes, it is sent again.",
	renew: "Hands in a new UserSig. The session goes on with it; nobody logs in anew.",
	ping: "Is the server still there? Sent when nothing was heard for a while.",
	acknowledgement: "The kick has been written down and shown. Only now does the server forget it: an answer that gets lost is told again.",
	listSessions: "Where is this account logged in?",
	signOut: "Ends another session of the account, or all others.",
	send: "A message, with an ID of its own: sent twice, it is still one.",
	sync: "What has changed in my conversations since the change I saw last?",
	listMessages: "A page of a conversation's history, by sequence numbers.",
	markRead: "This account has read the conversation up to here.",
	pin: "Puts a conversation on top of the list, or lets it go.",
	deleteConversation: "Deletes the conversation for this account, on all its devices.",
	recall: "Takes a message back, for both sides.",
	deleteMessages: "Deletes messages for this account alone.",
};

/** What the server sends. */
export const DOWN: Record<string, string> = {
	session: "You are in. The session's number counts the logins of the account; the connection's number counts up with each return. This answer left only after both were on disk.",
	refusal: "No. The code says why, and what to do about it; it is the same number in every SDK.",
	stale: "This attempt's number is not above the highest one seen: something older came late. The client goes on from the highest.",
	loginAgain: "There is no such session any more: log in anew. The SDK does that by itself.",
	logout: "Logged out, durably.",
	renew: "The new UserSig is in force.",
	ping: "Still here.",
	notice: "The session is over, and this is why. It is the last thing that the server sends here: it now waits for the acknowledgement, then closes.",
	sessions: "The sessions of the account. Away ones hold their place too.",
	signOut: "So many sessions were ended.",
	change: "A conversation has changed: its state and the messages that came with it. Changes are numbered without gaps, so a lost one is noticed and asked for.",
	sync: "What had changed meanwhile.",
	messages: "The messages of that page.",
};

const NONE: Record<string, string> = {
	opened: "A WebSocket to the server stands. Nobody is logged in by that: a session begins with a login and outlives its connections.",
	failed: "No connection could be made. The SDK tries again by itself, after a pause that grows.",
	closed: "The connection has ended. That alone ends no session: it is away now, and holds its place for a minute.",
};

const CLOSES: Record<number, string> = {
	4000: "The server is restarting and asks everybody to come back, each after a pause of its own, so that they do not all come at once.",
	4001: "The server has no room for this connection now, and asks to come back later.",
	4002: "The server had heard nothing for too long.",
	4003: "The session is served on a newer connection.",
	4500: "The session was kicked; the notice said why.",
	4501: "The UserSig has ended or was revoked; the notice said so.",
	4502: "The session was logged out on another connection.",
	4503: "This device has logged in again: this was its earlier session.",
};

/** What a frame is, for people. */
export function explain(f: Frame): string {
	if (f.way === "up") return UP[f.kind] ?? "A request that this page does not know.";
	if (f.members["because"] === HUNG_UP) return "This tab hung up: after a kick that was acknowledged, or a logout, there is nothing more to say.";
	if (f.way === "none") return (f.kind === "closed" && CLOSES[Number(f.members["code"])]) || (NONE[f.kind] ?? "");
	const text = DOWN[f.kind] ?? "An answer that this page does not know.";
	return f.kind === "change" && f.asked === "send" ? `The message is on the server's disk, and this is its place in the conversation. ${text}` : text;
}

/** A frame in a few words, beside its name. */
export function gist(f: Frame): string {
	const m = (f.members[f.kind] ?? {}) as Record<string, unknown>;
	const text = (v: unknown) => (v === undefined ? "" : String(v));
	switch (f.kind) {
		case "login": return `${text(m["userId"])}${m["automatic"] ? ", by the SDK itself" : ""}`;
		case "resume": return `session ${text(m["session"])}`;
		case "session": return `number ${text(m["session"])}, connection ${text(m["connection"])}`;
		case "refusal": return text(m["code"]);
		case "notice": return text(m["reason"]).replace("REASON_", "").replaceAll("_", " ").toLowerCase();
		case "acknowledgement": return `session ${text(m["session"])}`;
		case "closed": return text(f.members["code"] || f.members["because"]);
		case "change": return f.asked ? `answer to ${f.asked}` : "pushed";
		case "send": return `to ${text(m["peer"] ?? m["to"])}`;
		default: return f.asked && f.asked !== f.kind ? `answer to ${f.asked}` : "";
	}
}
