package ledger

import "slices"

// FileRow is what is done with one file. Its figures are of what functions call.
type FileRow struct {
	What string `json:"what"`
	Figures
	Requests   int `json:"requests"`    // to the API, each of which a function answers
	ClientPuts int `json:"client_puts"` // that the client makes to S3, by signed URLs
	ClientGets int `json:"client_gets"`
	Events     int `json:"events"`  // that functions get from queues
	Notices    int `json:"notices"` // of them, those that S3 writes to its queue
	Moved      int `json:"moved"`   // bytes that functions read, write and have copied in S3
}

// Less returns the figures of f without those of what is done in any case.
func (f Figures) Less(base Figures) Figures {
	return Figures{
		DynamoDBCalls: f.DynamoDBCalls - base.DynamoDBCalls, ReadUnits: f.ReadUnits - base.ReadUnits, WriteUnits: f.WriteUnits - base.WriteUnits,
		SQSCalls: f.SQSCalls - base.SQSCalls, S3Calls: f.S3Calls - base.S3Calls, S3Puts: f.S3Puts - base.S3Puts, S3Gets: f.S3Gets - base.S3Gets,
		KMSCalls: f.KMSCalls - base.KMSCalls, SESCalls: f.SESCalls - base.SESCalls, Rounds: f.Rounds - base.Rounds,
		SentBytes: f.SentBytes - base.SentBytes, GotBytes: f.GotBytes - base.GotBytes,
	}
}

// compareFiles returns how rows differ from those that were kept by the same words.
func compareFiles(kept, measured []FileRow) (all []Difference) {
	for _, now := range measured {
		var was FileRow
		if at := slices.IndexFunc(kept, func(r FileRow) bool { return r.What == now.What }); at >= 0 {
			was = kept[at]
		}
		all = append(all, was.Figures.compare(now.What, now.Figures, roundSlack)...)
		all = differ(all, now.What, "requests", whole(was.Requests), whole(now.Requests), 0)
		all = differ(all, now.What, "client_puts", whole(was.ClientPuts), whole(now.ClientPuts), 0)
		all = differ(all, now.What, "client_gets", whole(was.ClientGets), whole(now.ClientGets), 0)
		all = differ(all, now.What, "events", whole(was.Events), whole(now.Events), 0)
		all = differ(all, now.What, "moved", whole(was.Moved), whole(now.Moved), byteSlack)
	}
	return all
}

// sqs are the calls to SQS that r costs: its own, what S3 writes, and that each event
// is received and deleted.
func (r FileRow) sqs() int { return r.SQSCalls + r.Notices + 2*r.Events }
