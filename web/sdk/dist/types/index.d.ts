/**
 * Rollcall in the browser: logs an account in, keeps it in, and carries its messages.
 *
 * ```ts
 * const chat = create({ SDKAppID: 1400000000, proxyServer: "wss://im.example.com" });
 * chat.on(EVENT.KICKED_OUT, ({ data }) => show(data.kick.message));
 * await chat.login({ userID: "alice", userSig }); // the UserSig comes from your server
 * await chat.sendMessage(chat.createTextMessage({ to: "bob", payload: { text: "hello" } }));
 * ```
 *
 * The order of events. A login: NET_STATE_CHANGE connecting, any number of
 * disconnected, connected, the promise, SDK_READY. A lost connection: connecting, any
 * number of disconnected, connected; if the session has ended meanwhile, its end
 * instead. An end: pending calls get 6014, SDK_NOT_READY, KICKED_OUT; by then nobody is
 * in. What a step has brought: MESSAGE_RECEIVED, MESSAGE_REVOKED, MESSAGE_READ_BY_PEER,
 * CONVERSATION_LIST_UPDATED, TOTAL_UNREAD_MESSAGE_COUNT_UPDATED. Handlers are called
 * one after the other, never inside a call of yours; between two events whoever waits
 * for a promise has gone on.
 *
 * @packageDocumentation
 */
import { browser, describeDevice } from "./browser.ts";
import { Chat } from "./chat.ts";
import { ChatError, CODE } from "./codes.ts";
import type { Environment } from "./environment.ts";
/** The choices of a client. */
export interface Options {
    /** The number of the app. */
    SDKAppID: number;
    /** Where the server is: wss://host, ws://host:port, or host:port; by default where the page comes from. */
    proxyServer?: string;
    /** Shown to people who look where they are logged in, at most 64 bytes; by default the browser and its system. */
    deviceName?: string;
    /**
     * Gives a UserSig for the account that is in, so that it stays in when one ends or is
     * refused: the SDK logs in by itself. Each call has 30 s; one that keeps failing, or
     * gives refused ones, is called 5 times, 1, 2, 4 and 8 s apart. Never for login()
     * itself, and never after a kick.
     */
    userSigProvider?: (userID: string) => Promise<string> | string;
    /** How long before its end USERSIG_WILL_EXPIRE tells of it, in seconds; default 300. Of a UserSig good for less than twice that, at half. */
    userSigWarning?: number;
    /** How long a login may take, in seconds; default 15. */
    loginTimeout?: number;
}
/** For hosts that are no browser, and for tests. */
export interface HostOptions extends Options {
    proxyServer: string;
    /** The platform's number, as docs/protocol.md lists them; default 7, Web. */
    platform?: number;
}
/** Makes a client in this page. Needs no network. Throws 6017 for options that make none. */
export declare function create(options: Options): Chat;
/** Makes a client on a host that brings its own clock, network and storage. */
export declare function createOn(environment: Environment, o: HostOptions): Chat;
/**
 * For pages that show the wire, or cut it: `createOn({ ...browser(), connect }, options)`
 * with a `connect` of the page's own, which passes on to that of `browser()`, sees every
 * frame as it is sent and received. Frames hold UserSigs and secrets.
 */
export { browser, describeDevice };
export { Chat, ChatError, CODE };
export { VERSION } from "./ask.ts";
export { EVENT, TYPES } from "./types.ts";
export type * from "./types.ts";
export type { ChatEvent } from "./chat.ts";
export type { Events as EventMap } from "./events.ts";
export type { SignedOut } from "./devices.ts";
export type { Status } from "./engine.ts";
export type * from "./environment.ts";
