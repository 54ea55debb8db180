// What happened, in sentences.
import { CODE, ChatError, type KickedOut, type LoginSession } from "@rollcall/sdk";
import { Refused } from "./dev.ts";

/** A moment as people say it: 14:03. */
export const clock = (d: Date): string => d.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
/** The same to the second. */
export const second = (d: Date): string => d.toLocaleTimeString("en-GB");

/** What a person should know of this computer's clock, by how many ms it is ahead of the server's; "": nothing. */
export function clockWord(ahead: number): string {
	const minutes = Math.round(Math.abs(ahead) / 60_000);
	if (minutes < 2) return "";
	const apart = minutes < 90 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
	return `This computer's clock is ${apart} ${ahead > 0 ? "ahead of" : "behind"} the server's. That does no harm: sessions and UserSigs go by the server's clock, and so do the times on this page.`;
}

/** Too many logins or renewals in ten seconds. */
const QUICK = 7008;

const count = (n: number, what: string): string => (n === 1 ? `one ${what}` : `${n} ${what}s`);

/** Why this tab is out, for the person at it. */
export function kicked({ kick }: KickedOut): string {
	const at = kick.time ? ` at ${clock(new Date(kick.time * 1000))}` : "";
	const by = kick.by ? `${kick.by.deviceName || "a device without a name"}${kick.by.platform === "Web" ? "" : ` (${kick.by.platform})`}` : "another device";
	const room = kick.rule === "over the limit" ? `your Web limit is ${kick.limit ?? 1}`
		: kick.rule === "another platform of its group" ? `the policy lets you be on Web or on ${kick.by?.platform ?? "another platform"}, not on both` : "your place was taken";
	switch (kick.reason) {
		case "newer login": return `Kicked: ${room}${kick.rule === "over the limit" ? "" : ","} and ${by} logged in${at}.`;
		case "policy applied": return `Kicked: the policy was applied to everybody who was in${at}; ${room}, and ${by} stayed.`;
		case "operator": return `Kicked by an operator${at}. Your UserSig is still good, so you may log in again.`;
		case "signed out elsewhere": return `Signed out${at}: you did it yourself, on ${by}.`;
		case "UserSigs revoked": return `Kicked${at}: all UserSigs that you had until then were revoked. A new one lets you in.`;
		case "UserSig ended": return `Out${at}: your UserSig has ended. A new one lets you in.`;
		default: return `Out${at}: ${kick.message || kick.reason}`;
	}
}

/** A session that had to go, for who has just taken its place; limit is that of the Web. */
export const pushedOut = ({ deviceName, platform }: { deviceName: string; platform: string }, limit: number): string =>
	platform === "Web" ? `This login pushed ${deviceName || "a device without a name"} out: your Web limit is ${limit}.`
		: `This login pushed ${deviceName || "a device without a name"} (${platform}) out: the policy lets you be on Web or on ${platform}, not on both.`;

/** A session for its owner. */
export function sessionLine(s: LoginSession): string {
	const since = `since ${clock(new Date(s.loginTime * 1000))}`;
	return s.awaySince ? `${s.platform}, ${since}, away since ${clock(new Date(s.awaySince * 1000))}` : `${s.platform}, ${since}`;
}

export const ended = (n: number): string => (n === 0 ? "no session ended" : `${count(n, "session")} ended`);

/** What is done to a phone, ahead of what comes of it. */
export const phoneActs = {
	login: "The phone's app calls login().",
	logout: "The phone's app calls logout().",
	cut: "The phone loses its network. It does not know what happens meanwhile.",
	mend: "The phone has its network back.",
	kill: "The phone's app is killed, as a phone does with one in the background. It is away, and not logged out.",
} as const;

/** What a phone heard, for who watches it; "": that is on its card alone. */
export function phoneHeard(what: string, text: string): string {
	switch (what) {
		case "login() succeeded": return "The phone logged in.";
		case "logout() succeeded": return "The phone logged out.";
		case "login() failed": return `The phone's login() failed: ${text}`;
		case "onKickedOffline": return `The phone was kicked: ${text}`;
		case "onUserSigExpired": return "The phone's UserSig has ended.";
		default: return "";
	}
}

export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Why a message did not reach its peer, for people. */
export function notSent(peer: string, error: unknown): string {
	const code = error instanceof ChatError ? error.code : 0;
	if (code === 20003) return `Not sent: nobody has ever logged in as ${peer}. Open another tab and log in as ${peer} there.`;
	if (code === CODE.UNANSWERED) return "Perhaps not sent: the connection was lost before the answer came. Send it again: it will be there once (9520)";
	return `Not sent: ${why(error)}`;
}

/** Why a call failed, for people. */
export function why(error: unknown): string {
	if (error instanceof ChatError) {
		if (error.code === CODE.DISCONNECTED) return "there is no connection to the server (9508)";
		if (error.code === QUICK) return "that was quick: a device may log in or show a new UserSig five times in ten seconds. Wait a moment (7008)";
		if (error.code === CODE.UNANSWERED) return "the connection was lost before the answer came, so the server may have done it (9520)";
		return `${error.message} (${error.code})`;
	}
	if (error instanceof Refused) return error.code ? `${error.message} (${error.code})` : error.message;
	return error instanceof Error ? error.message : String(error);
}
