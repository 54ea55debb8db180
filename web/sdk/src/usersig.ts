import { fromBase64 } from "./wire.ts";
import { MAX_USERSIG } from "./login.ts";
import type { Engine } from "./engine.ts";

/** So many ends of UserSigs are remembered. */
const MAX_ENDS = 100;

/** Whether it matters when a UserSig ends: the server's clock is known, and the end is not. */
export function mayBeOver(e: Engine, userSig: unknown): userSig is string {
	return typeof userSig === "string" && userSig !== "" && userSig.length <= MAX_USERSIG && e.clock.now() > 0 && !e.ends.has(userSig);
}

/** Reads when a UserSig ends; what cannot be read the server judges. */
export async function learnEnd(e: Engine, userSig: string): Promise<void> {
	try {
		const bytes = fromBase64(userSig.replaceAll("*", "+").replaceAll("-", "/").replaceAll("_", "="));
		const claims = JSON.parse(await e.env.inflate(bytes)) as { [name: string]: unknown };
		const ends = Number(claims["TLS.time"]) + Number(claims["TLS.expire"]) + 1;
		if (Number.isSafeInteger(ends)) rememberEnd(e, userSig, ends * 1000);
	} catch {
		// It is none.
	}
}

export function rememberEnd(e: Engine, userSig: string, ms: number): void {
	e.ends.delete(userSig);
	e.ends.set(userSig, ms);
	for (const old of e.ends.keys()) if (e.ends.size > MAX_ENDS) e.ends.delete(old);
}
