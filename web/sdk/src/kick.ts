import { int, line, type Notice } from "./wire.ts";
import { TYPES } from "./types.ts";
import type { Kick, KickedOut, KickReason } from "./types.ts";

const WEB = 7;

const REASONS: Record<string, KickReason> = {
	REASON_NEWER_LOGIN: "newer login",
	REASON_OPERATOR: "operator",
	REASON_SIGNED_OUT_ELSEWHERE: "signed out elsewhere",
	REASON_POLICY_APPLIED: "policy applied",
	REASON_SAME_DEVICE_ELSEWHERE: "same device elsewhere",
	REASON_SECRET_USED_TWICE: "secret used twice",
	REASON_ACCOUNT_DISABLED: "account disabled",
	REASON_ACCOUNT_DELETED: "account deleted",
	REASON_REST_KICK: "UserSigs revoked",
	REASON_USERSIG_ENDED: "UserSig ended",
};

export const PLATFORMS = ["Other", "Android", "iPhone", "iPad", "Windows", "Mac", "Linux", "Web", "HarmonyOS"] as const;
export const platformOf = (n: number | undefined): string => PLATFORMS[n ?? 0] ?? "Other";

/** What the app is told of a notice. */
export function kickOf(n: Notice): KickedOut {
	const reason = REASONS[n.reason ?? ""] ?? "unknown";
	const kick: Kick = { reason, code: int(n.code), message: line(n.text), time: Math.floor(int(n.atMs) / 1000) };
	if (int(n.bySession) > 0) {
		kick.by = { session: int(n.bySession), platform: platformOf(n.byPlatform), deviceName: line(n.byDeviceName) };
		if (n.byRule === "RULE_OTHER_PLATFORM") kick.rule = "another platform of its group";
		if (n.byRule === "RULE_OVER_LIMIT") {
			kick.rule = "over the limit";
			kick.limit = int(n.byLimit);
		}
	}
	return { type: typeOf(reason, n), expired: n.expired === true, kick };
}

/** The vendor's four words: who reads Kick.reason knows more. */
function typeOf(reason: KickReason, n: Notice): KickedOut["type"] {
	if (reason === "UserSigs revoked" || reason === "operator" || reason === "account disabled" || reason === "account deleted") return TYPES.KICKED_OUT_REST_API;
	if (n.expired) return TYPES.KICKED_OUT_USERSIG_EXPIRED;
	return int(n.bySession) > 0 && n.byPlatform !== WEB ? TYPES.KICKED_OUT_MULT_DEVICE : TYPES.KICKED_OUT_MULT_ACCOUNT;
}
