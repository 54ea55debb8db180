// Answers for package usersig's tests with the vendor's own code.
//
// Reads a JSON list of rows on standard input: app, key, identifier, time,
// expire; userbuf (base64) or room where the ticket is to have one; ours, a
// ticket to read. Writes the list again with ticket, sig and userbuf as the
// vendor makes them at that time, and with ours replaced by the document in it.
const fs = require('fs');
const zlib = require('zlib');
const { Api } = require('tls-sig-api-v2');

function read(ticket) {
  const base64 = ticket.replace(/\*/g, '+').replace(/-/g, '/').replace(/_/g, '=');
  return JSON.parse(zlib.inflateSync(Buffer.from(base64, 'base64')));
}

function sign(row) {
  const api = new Api(row.app, row.key);
  switch (typeof row.room) {
    case 'number':
      return api.genPrivateMapKey(row.identifier, row.expire, row.room, 255);
    case 'string':
      return api.genPrivateMapKeyWithStringRoomID(row.identifier, row.expire, row.room, 42);
  }
  if (row.userbuf !== undefined) {
    return api.genSig(row.identifier, row.expire, Buffer.from(row.userbuf, 'base64'));
  }
  return api.genUserSig(row.identifier, row.expire);
}

const rows = JSON.parse(fs.readFileSync(0, 'utf8')).map((row) => {
  Date.now = () => row.time * 1000 + 123;
  const ticket = sign(row);
  const theirs = read(ticket);
  return {
    ...row,
    userbuf: theirs['TLS.userbuf'],
    sig: theirs['TLS.sig'],
    ticket,
    ours: row.ours && read(row.ours),
  };
});
process.stdout.write(JSON.stringify(rows, null, 2) + '\n');
