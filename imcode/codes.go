package imcode

// OK is success. It is never an error.
const OK Code = 0

// The codes that Rollcall makes, by number: those of client and server. Beside
// each stands what the table says that it means; the table has the advice too.
const (
	InvalidConversation  Code = 6004 // the conversation id is not legal
	RequestTimeout       Code = 6012 // no answer from the server in time
	NotInitialized       Code = 6013 // the SDK is not initialized
	NotLoggedIn          Code = 6014 // nobody is logged in: not yet, logged out, kicked or expired
	InProgress           Code = 6015 // the same operation is running already
	SDKInvalidParameters Code = 6017 // a parameter is missing or wrong; the detail says which
	InitFailed           Code = 6018 // the client could not start, as when its data directory is in use by another process
	DatabaseFailed       Code = 6019 // the local database could not be written
	IOFailed             Code = 6022 // a local file could not be read or written
	LoggedOutBeforeLogin Code = 6023 // the login was ended by a logout, another login or its caller before it finished
	SDKUserSigExpired    Code = 6206 // the UserSig has expired, as the SDK knows
	KickedOffByOther     Code = 6208 // another device logged in to the account and took this one's place

	InvalidUserID       Code = 7003 // the UserID is not 1 to 32 of a-z A-Z 0-9 _ -
	CallFrequencyLimit  Code = 7008 // the call was made too often
	Interrupted         Code = 7009 // the client was closed during the call
	SDKInternal         Code = 7012 // the SDK met what should not happen
	FeatureNotSupported Code = 7013 // the feature is switched off for the app
	LoginInProcess      Code = 7501 // a login is running already
	MsgBodySizeLimit    Code = 8001 // the message is over 12 KB

	AuthInvalid        Code = 9503 // the connection is up but not logged in
	Disconnected       Code = 9508 // there is no network, or no connection to the server
	ConnectTimeout     Code = 9510 // connecting took too long
	ConnectRefused     Code = 9511 // the server's host refused the connection, or what answers there is no server for clients
	NetworkUnreachable Code = 9512 // there is no route to the server
	HostNotFound       Code = 9516 // the server's host name could not be resolved
	WaitAckTimeout     Code = 9520 // the request was sent, but no answer came in time

	InvalidRecipient Code = 20003 // there is no such recipient
	WebhookRefused   Code = 20006 // the app's before-send webhook refused the message
	RevokeTimeLimit  Code = 20016 // the message is too old to recall
	MessageNotFound  Code = 20022 // there is no such message of yours to recall
	AlreadyRecalled  Code = 20023 // the message is recalled already

	TooManyPinned Code = 51012 // 50 conversations are pinned, no more fit

	ParseFailed     Code = 60003 // the frame or body does not parse
	UnknownRequest  Code = 60009 // there is no such request
	AppDisabled     Code = 60016 // the app is disabled
	TooManyRequests Code = 60018 // too many requests

	UserSigExpired           Code = 70001 // the UserSig has expired
	UserSigEmpty             Code = 70002 // the UserSig is empty
	UserSigCheckFailed       Code = 70003 // the UserSig does not parse, is cut off, or comes from the future
	UserSigMismatchPublicKey Code = 70009 // the UserSig was signed with a key that is not the app's, or was changed
	UserSigMismatchID        Code = 70013 // the UserSig is for another UserID
	UserSigMismatchAppID     Code = 70014 // the UserSig is for another SDKAppID
	PublicKeyNotFound        Code = 70016 // the app has no key to check a UserSig with
	AppNotFound              Code = 70020 // this server has no such SDKAppID
	AccountFreqLimit         Code = 70050 // too many failed logins of the account or from the address
	AccountDisabled          Code = 70051 // the account is disabled
	InvalidUserSig           Code = 70052 // the UserSig has not expired, but the operator ended all made until then
	AccountNotFound          Code = 70107 // there is no such account
	AccountCountLimit        Code = 70398 // the app has as many accounts as it may have
	InvalidParameters        Code = 70402 // a parameter is missing or wrong; the detail says which
	AdminRequired            Code = 70403 // the caller is not an administrator of the app
	Internal                 Code = 70500 // the server could not do it: overloaded, disk full, or a fault
	DailyActiveLimit         Code = 72000 // the app has as many active accounts today as it may have
	MonthlyActiveLimit       Code = 72002 // the app has as many active accounts this month as it may have
	LoginFrequencyLimit      Code = 72010 // the account logs in and out too often

	ServerBodySizeLimit Code = 80002 // the message is over 12 KB
	WebhookFailed       Code = 80003 // the app's before-send webhook did not answer, and the app refuses then
)
