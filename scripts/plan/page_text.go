package main

import "fmt"

const pageHead = `# What a load needs

` + "`go run ./scripts/plan`" + ` writes this page from a load: how often things are done, where users are, how long their texts are. ` + "`make plan`" + ` does it for the
load that Parley is designed for; ` + "`make plan LOAD=mine.json`" + ` for one's own, in a file of the shape of [load.json](../scripts/plan/load.json).
Don't edit this page: a test holds it to the code (` + "`go test ./scripts/plan -run TestPage -update`" + ` writes it anew).

How to read it: figures are of three kinds.

- **Measured**: calls, units and bytes of each operation ([ledger.json](ledger.json), counted by tests), streams that a relay carries and our own times ([benchmarks.md](benchmarks.md)).
- **Published**: what engines write in a second, and AWS's quotas. Each has its source beside it.
- **Assumed**: how the load spreads over the world and the day, how long calls to AWS take. [At the end](#what-is-assumed) is a list with reasons; prices and more are in [prices.json](prices.json).

Rates are averages of an hour, in hours of UTC. What is needed all the time follows from rate × duration.

`

const pageLoadText = `## The load

`

const pageCurveText = `
Where users are makes the day of each region. The load of a place goes up and down with its clocks: a cosine of ±%.0f %% around its mean, highest at %g o'clock.
It is the curve of [scaling.md](scaling.md): assumed, as no trace that we know of one service spans whole days in many time zones. A sum of time zones is flatter than any of them: all places together
come to %.2f times their mean. What is missing to the peak of the load is taken for a surge, of news or of a busy day, that takes %g hours and is the same everywhere. So each operation has over a day
the average and in its busiest hour the peak that the load says.

`

const pageCurveAfter = `
![Turns and GPUs by hour](capacity.svg)

`

const pagePeakText = `## What each region needs

Of each thing the most that any hour needs, while all regions are well. The standbys have nothing to do then; what they need when they take over is among the [quotas](#quotas).
Concurrency is that of the mean; each function has the time that the ledger's calls, the bytes that it moves and its own work take.

`

const pagePeakAfter = `
- **Files and indexing in the background** are bounded by the template's parameter ` + "`BackgroundAtOnce`" + `, 100 each by default and 1,000 at most; [below](#parameters) is what each region is given.
- **Prompts in flight** are those that a worker has, from receiving to deleting. SQS lets 120,000 be in flight in a queue, so a plan has as many queues as it needs, up to eight in a region.
- **The hottest partition** is that of a plan's paces in the table of chats: every process of send-message reads the row of their sum every ten seconds, and report-backlog the rows of all workers each minute. All other rows are keyed by their users, of whom each sends 80 messages an hour at most: even a premium turn, of %s write units in a minute and more, is far from the 1,000 a second of a partition.
- **Relays** are sized by the frames that they pass on, not by memory.
- **Valkey** holds the frames of replies for an hour; its commands are those that publish frames.

`

const pageEnginesText = `## GPUs

A prompt is taken for the published lengths that are most like its own, in proportion to its tokens. Fleets are sized so that they do at most %.0f %% of what is published.
The history of a chat counts as cached by the engine: only the question is read. Where the cache has lost it, each turn reads more ([benchmarks.md](benchmarks.md) has what routing keeps of it).

Published, and taken as it stands; models and GPUs of which we found no figure that names its conditions are left out:

`

const pageEnginesAfter = `The mean follows the curve of the day.

- **Premium prompts** are %.1f %% of the turns, have %s tokens each with their answers, as the load says, and take %.0f %% of the GPUs' time (%s). Nothing is published for prompts of more than 20,000 tokens; longer ones are taken for those, in proportion, which is the least that they can take.
- **Under the largest load answers come slowly.** What is published is the most that an engine writes, not how fast each user sees it. NVIDIA's own figures for a 70B model on two H100s (FP8, 5,000 tokens in, 500 out, [NIM 1.8](https://docs.nvidia.com/nim/benchmarking/llm/1.0.0/performance)) go from 19 ms between tokens alone to 39 ms with 25 answers at once, and 93 ms at the most that it writes, of 917 tokens a second. Who wants 45 tokens a second for everybody needs more GPUs than this table.

`

const pageGrowthText = `## What grows

Nothing is ever deleted in these figures. A table's row of text is packed as the ledger's is; an index takes a third of its text.

`

const pageMonthText = `## What a month costs

Thirty days of the average, at the list prices of [prices.json](prices.json) (%s): US dollars, on demand, of the first tier and of us-east-1 for all regions. The file has no tiers of volume, so a bill of this size is lower, and other regions are dearer.
%s million turns. What is stored is the first month's growth; it comes again each month.

`

const pageMonthAfter = `
A free turn is the one of [cost.md](cost.md), at the same price.

- **A premium turn** takes %s write units: its text goes into rows, as packed it stays below the 350 KB from which a body goes to S3. Premium is %.1f %% of the turns, and takes %.0f %% of the write units of chats. Bodies of more than some 8 KB, packed, would be cheaper in S3: a PUT costs as much as eight write units.
- **The malware scanner** looks at every byte of every file, and is %.0f %% of the bill without GPUs. A second copy of the files in another region, which the template doesn't make, would add %s thousand USD for transfer and the first month's storage.
- **Not in it**: support, taxes, NAT, transfer between zones, idle engines of standbys.

`

const pageQuotasText = `## Quotas

What AWS allows by default, and the most that each region needs: in any hour, all being well or any one region lost, whose users then go where [they go](#a-region-lost-at-its-peak). **Bold** is more than the default.

`

const pageQuotasAfter = `
What can't be raised has to be designed away: more than one Valkey cache in a region, fewer readers of a plan's paces.

A table on demand that has had no load takes 4,000 write units and 12,000 read units a second at once, and [may throttle](https://repost.aws/knowledge-center/on-demand-table-throttling-dynamodb) what is more than twice its last peak within half an hour. A standby's tables need their warm throughput set to the figures above beforehand, or the load of a lost region is throttled however many engines are there.

`

const pageLostText = `## A region lost at its peak

Simulated: discrete events, prompt by prompt, by the same rules as [scaling.md](scaling.md). It is arithmetic about fleets, no measurement of engines or of AWS.

- One turn in %s of the load is played, with engines of %s of which %d are a real one: each has %d slots, of which a free prompt takes one and a premium prompt %d, so that both take what is published. Small fleets see more chance than large ones, so real waits are rather shorter.
- %s is lost at %s UTC, in the middle of its busiest hour, with all that runs and waits there, and stays lost. The loss is noticed after %.0f s, and clients keep the address for up to %.0f s: until then they reach nobody. Then they go to the next region of their list. Nobody tries again.
- Fleets grow and shrink by demand, towards %.0f %% of their slots; an engine is ready %.0f s after it was ordered. Premium starts before free. A prompt is refused if its queue would keep it past 0.7 (free) or 0.9 (premium) of its deadline, by what somebody saw within the last ten seconds, and fails at its deadline.
- Kept warm is what the standby has running, of what it needs for the largest region that it stands by for; 0 %% is one engine. "An order at once": %.0f s after the loss somebody, or an alarm, raises the least size to what is needed.

The tables count the prompts of fifty minutes, from ten minutes before the loss, of users of the lost region and of those that take them over. "Not served" is refused, late, lost with the region or sent while its address was still known. Waits are of those that came after the loss. All is one draw of chance; ` + "`-seed`" + ` makes another, which moves counts by a few tens.

`

const pageLostAfter = `
![What is not served, minute by minute](capacity-lost.svg)

- **%s
- **Demand alone grows slowly**, because refused prompts are in no queue: a fleet that is full and refuses most looks like one that is a little too small. It grows by less than double each time, three minutes and a start apart. An order at once ends it when the engines are ready.
- **What that costs**: %.0f %% of the most that the standbys may need are %s GPUs (the first model), %s million USD a month; if what is warm follows the day of the regions that it stands by for, %s million on average. Quotas and reservations have to be as high either way.
- **What nobody can mend** are the prompts that the region took along and those sent before clients look the address up again.
- A standby that has no engine at all knows no pace, refuses nothing, and fails all at their deadlines until its first engine has answered: keep one.

Each region lost in its own busiest hour, with %.0f %% kept warm, by demand alone:

`

const pageLostDayText = `
The whole day of the users of %s, with it lost as above, %s taking over with %.0f %% warm (one turn in %s; the engines are those of all regions concerned, of %s too until it is lost). What is sent away in quiet hours is the chance of a fleet of a dozen small engines, of which one premium prompt takes a third:

`

const pageHoursText = `## Every hour

`

const pageAssumedText = `## What is assumed

Besides what [cost.md](cost.md#what-is-assumed) assumes:

`

const pageLeftOut = `
Left out, because the load doesn't say: renewals of tokens (one for each quarter of an hour that a user is active), downloads of files, deletions, feedback, the OpenAI endpoints, pictures, and health checks. Files are kept and scanned by their size; what functions do with one is counted for 8 MB.
`

const pageLostAloneText = `
**Without standbys.** The users of %s go to the next regions of their lists that serve anyway, and the room that those have is what they leave free: their engines are sized for less than %.0f %%. By demand alone, at the same hour:

`

func enoughWords(enough float64, unhurt bool) string {
	words := "Premium does not stay within its deadline with any of these**: some are refused or late."
	if enough >= 0 {
		words = fmt.Sprintf("Premium stays within its deadline from %.0f %% kept warm on**: none of its prompts is refused or late. Free has to wait or to come again.", 100*enough)
	}
	if unhurt {
		words += " With 100 % nobody notices more than the minute and a half until addresses have lapsed."
	}
	return words
}

const pageParametersText = `## Parameters

What of this is set in the files of the regions ([scripts/deploy/prod](../scripts/deploy/prod)); a test holds them to this page. It is the most that any hour needs, all being well or any one region lost:
queues that are filled to %.0f %% of what SQS allows at most, and for what runs in the background %.0f %% more than the mean of the hour. ` + "`FreeQueuesUsed` and `PremiumQueuesUsed`" + ` are the same as the numbers of queues ([operations.md](operations.md#the-templates)).

`
