// Who is in, kept by the tab so that a reload logs in again. A browser may refuse to keep
// anything: then a reload begins at the beginning, and the SDK says so.
const KEPT = "rollcall.demo";

export interface Kept {
	user: string;
	device: string;
}

export function keep(who: Kept | null): void {
	try {
		if (who) sessionStorage.setItem(KEPT, JSON.stringify(who));
		else sessionStorage.removeItem(KEPT);
	} catch {
		// refused
	}
}

export function recall(): Kept | null {
	try {
		const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Partial<Kept> | null;
		return typeof kept?.user === "string" && typeof kept.device === "string" ? { user: kept.user, device: kept.device } : null;
	} catch {
		return null;
	}
}
