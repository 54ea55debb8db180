import { ChatError, CODE } from "./codes.ts";
import { PATH } from "./wire.ts";

const DEFAULT_PORT = "7400";

/** The server's address, spelled in one way. */
export function serverURL(address: string): string {
	const bad = (why: string) => new ChatError(CODE.INVALID_PARAMETERS, `proxyServer: ${why}: want wss://host, ws://host:port or host:port`);
	if (typeof address !== "string" || address === "") throw bad("it is no address");
	const bare = !address.includes("://");
	const here = bare && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i.exec(address);
	let u: URL;
	try {
		u = new URL(bare ? `${here ? "ws" : "wss"}://${address}` : address.replace(/^http/i, "ws"));
	} catch {
		throw bad("it is no address"); // the text may hold a password
	}
	if (u.protocol !== "ws:" && u.protocol !== "wss:") throw bad("unknown scheme");
	if (u.username || u.password || u.search || u.hash) throw bad("it holds more than host, port and path");
	if (here && !here[2]) u.port = DEFAULT_PORT;
	const path = u.pathname.replace(/\/+$/, "");
	return `${u.protocol}//${u.host}${path.endsWith(PATH) ? path.slice(0, -PATH.length) : path}`;
}
