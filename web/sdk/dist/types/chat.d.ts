import { type Settings, type Status } from "./engine.ts";
import { type SignedOut } from "./devices.ts";
import { type Conversation, type CustomPayload, type LoginSession, type Message, type Response, type TextPayload } from "./types.ts";
import type { Environment } from "./environment.ts";
import type { Events } from "./events.ts";
/** What a handler gets: the event's name and what it brings. */
export interface ChatEvent<K extends keyof Events = keyof Events> {
    name: K;
    data: Events[K];
}
type Handler<K extends keyof Events> = (event: ChatEvent<K>) => void;
/**
 * A client: one account at a time, on one device, which is this tab. {@link create}
 * makes it.
 *
 * Every call that returns a promise is refused with a {@link ChatError}, whose code
 * says what to do; 6013 after destroy() goes without saying. Those that ask the server
 * are sent at once or not at all, and never again by themselves: 6014 nobody is in,
 * 9508 there is no connection, 9520 no answer came and it may have happened, 7008 more
 * than 32 wait, 60018 and 70500 too often or no room now.
 */
export declare class Chat {
    private readonly engine;
    private readonly handlers;
    private readonly opened;
    /** The calls that wait to be made; undefined: none does. */
    private turn;
    private entering;
    /** Use {@link create}. */
    constructor(env: Environment, settings: Settings);
    private open;
    private emit;
    /** Lets a handler hear of an event, each time, until {@link off}. It may call everything. */
    on<K extends keyof Events>(eventName: K, handler: Handler<K>, context?: unknown): void;
    /** Takes a handler away that was given to {@link on}, with the same context. */
    off<K extends keyof Events>(eventName: K, handler: Handler<K>, context?: unknown): void;
    /**
     * Logs an account in. The promise is kept when the account is usable. It takes at
     * most 15 s; until then the SDK tries again when a connection cannot be made, is lost,
     * or the server asks to come back.
     *
     * The same account and UserSig again succeed without traffic (`repeatLogin`); a new
     * UserSig for the account that is in is a renewal, see {@link renewUserSig}. Another
     * account logs the first one out; if it fails, nobody is in.
     *
     * Refused with 6206 and 70001: the UserSig has expired: get another. 7003, 6017: the
     * call is wrong. 7501: a login of the account is on its way. 7008, 72010, 70050: too
     * often. 9508, 9510, 6012: no connection, or no answer. 6023: ended by logout() or
     * another login(). 7009: by destroy(). 6022: nothing can be kept. 70500: no room now.
     * 70051: the account is disabled. Others: docs/codes.md.
     */
    login(options: {
        userID: string;
        userSig: string;
    }): Promise<Response<{
        repeatLogin: boolean;
    }>>;
    /**
     * Gives the account that is in a new UserSig, with which its session goes on; never a
     * login of anybody else. Refused, the session and its old UserSig stay (70402: the new
     * one ends sooner). Without a connection it succeeds, and the UserSig goes with the
     * next one. 6014: nobody is in; 7501: a login or renewal is on its way.
     */
    renewUserSig(userSig: string): Promise<Response<{
        repeatLogin: boolean;
    }>>;
    /**
     * Logs out whoever is in; a login on its way gets 6023. It succeeds when that is kept
     * here, and waits up to 2 s for the server: what it did not acknowledge is delivered
     * in the background. With nobody in it does nothing. 6022: out, but it could not be
     * kept.
     */
    logout(): Promise<Response<object>>;
    /**
     * Ends the client: logs out, frees everything, and no handler runs any more. With
     * keepSession it does not log out: the session is away, as when the page is closed,
     * and ends by itself after a minute. A login on its way gets 7009.
     */
    destroy(options?: {
        keepSession?: boolean;
    }): Promise<void>;
    /** Makes a call after those before it, once what is to be known for it is. */
    private enter;
    /** Makes a call, now or once what is kept is read. */
    private run;
    /** Whether an account is in. It stays so while a lost connection is made again; calls get 9508 then. */
    isReady(): boolean;
    /** The account that is in; "" when nobody is, or not yet. */
    getLoginUser(): string;
    /** Ours: 1 an account is in, 2 a login is on its way, 3 nobody is in. */
    getLoginStatus(): Status;
    /** The server's clock in seconds since 1970 UTC, whatever the device's says; 0 before the server was heard. */
    getServerTime(): number;
    /** Ours: where the account is logged in, by number; asks the server. */
    getLoginSessions(): Promise<Response<{
        sessionList: LoginSession[];
    }>>;
    /**
     * Ours: ends another session of the account; its device hears of it, now or when it
     * comes back. With userSigs all UserSigs of the account that were made until now are
     * dead as well; this session lives on, and its next renewal or login needs a new one.
     * 70402: no such session, or this one.
     */
    signOut(session: number, options?: {
        userSigs?: boolean;
    }): Promise<Response<SignedOut>>;
    /** Ours: ends all sessions of the account but this one. */
    signOutOthers(options?: {
        userSigs?: boolean;
    }): Promise<Response<SignedOut>>;
    /**
     * Makes a text message to another account; {@link sendMessage} sends it. Throws 7003
     * (no legal userID), 6017 (empty, or no text), 8001 (over 12 KB all in all).
     */
    createTextMessage(options: {
        to: string;
        conversationType?: "C2C";
        payload: TextPayload;
        cloudCustomData?: string;
    }): Message;
    /** Makes a message with data of the app's own; as {@link createTextMessage}. */
    createCustomMessage(options: {
        to: string;
        conversationType?: "C2C";
        payload: Partial<CustomPayload>;
        cloudCustomData?: string;
    }): Message;
    /**
     * Sends a message. The promise is kept when it is on the server's disk; the message
     * given then has its sequence and time. After 9520 nobody here knows whether the server
     * has it: send the same message again, and there is still one. Until it is answered it
     * is kept, and {@link getMessageList} shows it with status "fail", also after a reload.
     * 20003: no such account. 6017: its ID was used with another content.
     */
    sendMessage(message: Message): Promise<Response<{
        message: Message;
    }>>;
    /** Takes back a message that the account has sent, for both sides. 20022: somebody else's; 20016: too late (2 minutes, unless the app says otherwise); 20023: it was taken back already. */
    revokeMessage(message: Message): Promise<Response<{
        message: Message;
    }>>;
    /** Deletes up to 50 messages of one conversation, for this account on all its devices. Such as were not sent are forgotten here. */
    deleteMessage(messageList: Message[]): Promise<Response<{
        messageList: Message[];
    }>>;
    /**
     * The account's conversations: pinned ones first, then by their last message. It comes
     * from this device, at once, also without a network, after a failed login, a kick or
     * an expired UserSig: then it is the list of the account named in the last login, as
     * last seen. On a device that has never had the whole list it waits for that while it
     * is on its way: from a login's success until it is there, or the connection is lost,
     * the session ends, the server asks to come back later, or 10 s are over. Then it is
     * what there is, and `isSyncCompleted` is false. After a logout: 6014.
     */
    getConversationList(conversationIDList?: string[]): Promise<Response<{
        conversationList: Conversation[];
        isSyncCompleted: boolean;
    }>>;
    /** One conversation of the list. 6004: it is not there. */
    getConversationProfile(conversationID: string): Promise<Response<{
        conversation: Conversation;
    }>>;
    /** Unread messages of all conversations; 0 when there is no list to read. */
    getTotalUnreadMessageCount(): number;
    /** Pins a conversation to the top of the list, or lets it go, for the account. 51012: over 50. */
    pinConversation(options: {
        conversationID: string;
        isPinned: boolean;
    }): Promise<Response<{
        conversationID: string;
    }>>;
    /** Deletes a conversation and its messages up to now, for the account. It is back with the next message. */
    deleteConversation(conversationID: string): Promise<Response<{
        conversationID: string;
    }>>;
    /**
     * A page of a conversation, oldest first: the newest, or those before
     * `nextReqMessageID`, which the page before has brought. From the server, merged with
     * what is here, while somebody is in and connected; else what this device has of the
     * account named in the last login. `gaps` are spans of sequences that may be missing
     * here: the next call with a connection fills them. Ours: `local` asks no server.
     * After a logout: 6014.
     */
    getMessageList(options: {
        conversationID: string;
        nextReqMessageID?: string;
        count?: number;
        local?: boolean;
    }): Promise<Response<{
        messageList: Message[];
        nextReqMessageID: string;
        isCompleted: boolean;
        gaps: [number, number][];
    }>>;
    /** Marks a conversation as read, on all devices of the account; the other side hears of it. 6004: it is not there. */
    setMessageRead(options: {
        conversationID: string;
    }): Promise<Response<object>>;
    /**
     * Ours: removes what this browser holds of an account's conversations: of the one named
     * in the last login, or of any other, also after a logout. The server keeps its own: who
     * is in gets it from there again, and nothing that was said before is told as new.
     */
    wipeCache(userID?: string): Promise<Response<object>>;
}
export {};
