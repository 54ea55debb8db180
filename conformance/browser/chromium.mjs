// The driver in a page of Chromium: this program stands between it and the player. The
// page waits for its next command in a synchronous request, so that nothing happens in it
// meanwhile, as under Node.
import { createInterface } from "node:readline";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { chromium } from "../../web/sdk/node_modules/playwright-core/index.mjs";
import { files } from "./files.mjs";

const commands = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The page's own script. */
async function page() {
	const { play } = await import("/conformance/browser/driver.mjs");
	let said = "";
	const ask = (what, body) => {
		const x = new XMLHttpRequest();
		x.open("POST", what, false);
		x.send(body);
		return x.responseText;
	};
	const far = (name) => [name, (...args) => {
		const { value, error } = JSON.parse(ask("/file", JSON.stringify([name, args])));
		if (error) throw new Error(error);
		return value;
	}];
	const { port1, port2 } = new MessageChannel();
	const turn = () => new Promise((done) => {
		port1.onmessage = done;
		port2.postMessage(0);
	});
	await play({
		...Object.fromEntries(["read", "sha256", "inflate"].map(far)),
		write: (...args) => void (said += JSON.stringify({ write: args }) + "\n"), // before anything that follows it
		say: (what) => void (said += JSON.stringify(what) + "\n"),
		hear: () => {
			const command = ask("/turn", said);
			said = "";
			return command === "" ? undefined : JSON.parse(command);
		},
		quiet: async () => {
			await turn();
			await turn();
		},
	});
}

const answer = (f) => {
	try {
		return { value: f() };
	} catch (error) {
		return { error: String(error) };
	}
};

const body = async (request) => {
	const parts = [];
	for await (const part of request) parts.push(part);
	return Buffer.concat(parts).toString();
};

const server = createServer(async (request, response) => {
	if (request.url === "/turn") {
		for (const line of (await body(request)).split("\n")) {
			if (line.startsWith('{"write":')) files.write(...JSON.parse(line).write);
			else if (line) process.stdout.write(`${line}\n`);
		}
		const { value } = await commands.next();
		response.end(value ?? "");
	} else if (request.url === "/file") {
		const [name, args] = JSON.parse(await body(request));
		response.end(JSON.stringify(answer(() => files[name](...args))));
	} else if (request.url === "/") {
		response.setHeader("Content-Type", "text/html");
		response.end("<!doctype html><title>A device</title>");
	} else if (request.url.endsWith("driver.mjs") || request.url.endsWith("rollcall.js")) {
		response.setHeader("Content-Type", "text/javascript");
		response.end(readFileSync(new URL(`../..${request.url}`, import.meta.url)));
	} else {
		response.writeHead(404).end();
	}
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const tab = await browser.newPage();
tab.on("console", (m) => console.error(m.text()));
await tab.goto(`http://127.0.0.1:${server.address().port}/`);
await tab.evaluate(page);
await browser.close();
server.close();
