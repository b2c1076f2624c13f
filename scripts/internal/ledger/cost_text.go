package ledger

const costHead = `# What a turn costs

Written by ` + "`go test ./scripts/internal/ledger -run TestCostPage -update`" + ` from [ledger.json](ledger.json), which is counted, and
[prices.json](prices.json) (as of %s; %s). Don't edit this page: a test holds it to both.

A turn is a question and an answer of 2,048 tokens, 8 KB of English each, sent with an Idempotency-Key into a chat that has had 20 such turns,
all of which the model reads. A million of them cost **%s USD** for API, Lambda, DynamoDB, SQS and S3; the aim is %d. The GPU is not part of any figure.

`

const costSums = `Sums of the turn against their aims:

`

const costBeside = `What stands beside that, for the same million turns:

`

const costOperations = `## Every operation

Counted once each, in processes that have served before; what a process reads first stands in rows of its own (keys of access tokens, then again
every five minutes; the queue's outlook, then again every ten seconds).

`

const costFiles = `## What files cost

Counted as the operations are: all calls of functions and of the client, by S3's two prices for requests (a removal is free). A file of 8 MB goes in one
signed PUT, one of 64 MB in eight parts; both are PDFs of 20 pages of text. SQS counts a notice that S3 writes, and for each event of a function that it is
received and deleted. Milliseconds are reckoned from the calls in sequence, the bytes that a function moves and its own time, as assumed below.

`

const costKept = `
Beside that, by their size:

`

const costFilesTried = `So the scanner and the way out cost far more than all else. Of the rest:

- **One signed PUT** for a file of one part. In parts it would be three requests at S3's dearer price: 10 USD more.
- **Each file is processed in full**, also when its bytes are there already: what would be saved, everybody could measure, and so learn who has what.
- **A deletion's four lists** cost 20 of its dollars. They find every old version, and parts of uploads that were never completed; nothing else knows them.
- **A question without files** asks nothing of any of this: its turn costs what it did.

`

const costSearch = `## What search costs

A user of four chats in which 88 turns were said since the last indexing, as many as there are on average; question and answer have 8 KB each, which is long:
of 2 KB it would be four times the messages for the same. A turn itself pays nothing for search, no write unit and no call: one answer in 87 or so, by
chance, sends one message to SQS.

`

const costSearchSums = `
So indexing comes to %s USD per million turns, %s per million messages, beside a turn's %s; a million searches to %s. A month of the load that Parley is
designed for: %s turns a second, %s USD; %s searches a second, %s USD. Nobody pays for what nobody says or looks for. Merging, each message about four times in
all, is one GET for each segment that goes and one PUT for four, a fraction of the above. An index takes about a third of its text: 2.3 USD a month for 300 GB of text
in S3.

`

const costMemory = `## How much memory

What a call takes, and a million of them cost for their time, by the memory that a function is given: from the ledger's calls in sequence, and
its own time on a whole core, which is measured. Bold is what the templates have.

`

const costMemoryWhy = `
- **Sends, and all that reads and writes a few rows**, wait for AWS more than they reckon. Half the memory would spare five cents of a million sends, and each
  would take a third longer; twice as much would cost ten cents for 8 ms.
- **Passwords** take a core: at 256 MB a log-in is 1.6 times as long and hardly cheaper. Argon2id itself needs 19 MiB for each.
- **Search** is faster with more and hardly dearer: half a dollar a million buys half the time while somebody types. 512 MB would hold what the largest
  histories take; it has 1,769 because that is a whole core.
- **Nobody waits for index-history and process-upload**, so less would do for speed. They have what they hold: 32 MB of text and what is made of it; and
  a child that may take 768 MB to read a file, once the gigabyte in which its reader of PDFs is compiled. That is the dearest memory here: what it
  is not needed for costs up to 9 dollars a million files.

`

const costAssumed = `## What is assumed

What can't be counted on one machine is assumed:

| what | value | why |
|---|---:|---|
`

const costTried = `## What was tried to lower it

Kept:

- **One row for a question and its queued reply.** The reply's id is the question's plus one, so a queued reply needs no row: 2 write units less.
- **One transaction** for guard, quota and the chat's hint, and the question beside the transaction: in it, the question's 4 units would be 8.
- **No index by activity** over chats: it would cost every turn 2 write units, and lists are read far less often than messages are sent.
- **Brotli for bodies.** It knows common words beforehand. With zstd's best, question and answer took 4 write units each; the answer takes 3 now, compressed
  with full effort after it has been streamed, and the history is read for 2 units less: 0.88 USD together.
- **Eventually consistent history.** 39 messages for half of what consistent reads cost. The newest two are read so as well, and consistently only
  if the question isn't there yet: 1 unit less.
- **Opening the stream by one query** over the reply and the question that stands for it, eventually consistent: half a unit in one call, where two
  consistent reads took 2 units in two calls.
- **Reading ahead.** The history is read while the attempt is announced, and the announcement brings what was published before along: 5 calls in
  sequence to the first token instead of 7.
- **One file of usage records** for all replies of a worker that end within 8 seconds, and their prompts deleted after it, ten in a call: a file for each
  reply would cost 5 USD, and a call for each deletion 0.43 USD more.
- **No ETA per message.** Queue lengths and rates are read at most every ten seconds by each process.

Not kept:

- **A dictionary of our own.** zstd with 32 KB trained on like text makes 8 KB of English documentation 22 % smaller than without, a little better than Brotli
  at full effort and faster; but it would have to be kept for as long as any body, and helps only texts like those that it was made from.
- **Full effort for questions** would make 8 KB of English fit 3 write units instead of 4 (0.63 USD), but takes 15 ms of a core, 100 ms in a function
  of 256 MB: 0.35 USD more for Lambda, and a slower 202.
- **Sends without a key** cost 2 write units (1.25 USD) less, but a client that lost the answer could not ask again safely.
- **Leaving the chat's hint standing** after an answer saves 1 write unit (0.63 USD), but the next send would have to read the reply first: 2 more round trips
  before the 202.
- **The guard outside the transaction** saves 1 write unit, but a function that died between the two could count a message twice.
- **Fewer heartbeats.** One in 10 s instead of 5 s saves 0.45 calls (0.23 USD) and leaves one lost call before a prompt is shown twice.

`
