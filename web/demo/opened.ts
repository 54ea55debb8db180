// A page that this one opens logs in by itself. Anybody's page can open this one, and name
// somebody in the address: only a word that is kept here, for one page, tells which it was.
const WORD = "rollcall.demo.opened";

/** Opens another tab for somebody. */
export function openFor(user: string): void {
	const word = crypto.randomUUID();
	try {
		localStorage.setItem(WORD, word);
	} catch {
		// refused: the other page has the name, and waits for a press
	}
	window.open(`/#${user}/${word}`, "_blank", "noopener");
}

/** Whom the address names, and whether one of our own pages has opened this one. */
export function cameFrom(): { user: string; ours: boolean } {
	const [user = "", word = ""] = location.hash.slice(1).split("/", 2);
	if (location.hash) history.replaceState(null, "", location.pathname);
	let ours = false;
	try {
		ours = word !== "" && localStorage.getItem(WORD) === word;
		if (ours) localStorage.removeItem(WORD);
	} catch {
		// nothing is kept here
	}
	return { user: text(user), ours };
}

/** What an address spells; "" is no text. */
function text(spelled: string): string {
	try {
		return decodeURIComponent(spelled);
	} catch {
		return "";
	}
}
