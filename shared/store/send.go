package store

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
)

// Attributes of an idempotency guard.
const (
	gBody     = "b" // digest of what was asked
	gChat     = "c"
	gNewChat  = "nc"
	gQuestion = "q"
	gReply    = "a"
	gHour     = "h"
	gAgain    = "ag" // the key was tried again
	gRegion   = "rg" // whose queue has the prompt, where there are several
)

// quotaLife is how long a window's row is of use.
const quotaLife = 25 * time.Hour

// Accept writes guard, quota and the chat's hint in one transaction: 6 write
// units (4 without a key), one call. Files that the chat doesn't have yet cost 4
// more each, and 2 together. An exchange that isn't kept has neither guard nor
// chat: 1 write unit.
func (c *Chats) Accept(ctx context.Context, s chat.Sending) (chat.Refusal, error) {
	if s.Shed {
		return c.known(ctx, s)
	}
	if s.Passing {
		return c.admit(ctx, s)
	}
	var actions []types.TransactWriteItem
	if s.Key != "" {
		actions = append(actions, types.TransactWriteItem{Put: c.guard(s)})
	}
	actions = append(actions, types.TransactWriteItem{Update: c.count(s)}, types.TransactWriteItem{Update: c.hint(s)})
	err := transact(ctx, c.db, append(actions, c.attach(s)...))
	reasons := refusals(err)
	if reasons == nil {
		return chat.Refusal{}, unavailable("accept message", err)
	}
	if s.Key != "" {
		if old, failed := refused(reasons, 0); failed {
			return chat.Refusal{Known: readGuard(s, old)}, nil
		}
		reasons = reasons[1:]
	}
	if old, failed := refused(reasons, 1); failed { // who asks in another's chat learns nothing of limits
		return refusedHint(s, old), nil
	}
	if old, failed := refused(reasons, 0); failed {
		return overdrawn(old), nil
	}
	if refusal := refusedFiles(reasons[2:]); refusal != (chat.Refusal{}) {
		return refusal, nil
	}
	return chat.Refusal{}, unavailable("accept message", err)
}

// transact tries again where another transaction was at the same rows.
func transact(ctx context.Context, db *dynamodb.Client, actions []types.TransactWriteItem) error {
	for try := 1; ; try++ {
		_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		if try == 8 || !collided(err) {
			return err
		}
		pause := time.Duration(rand.Int64N(int64(10*time.Millisecond) << try))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// collided reports whether a transaction was refused for nothing but another
// that was under way.
func collided(err error) bool {
	collided := false
	for _, r := range refusals(err) {
		switch aws.ToString(r.Code) {
		case "TransactionConflict":
			collided = true
		case "None", "":
		default:
			return false
		}
	}
	return collided
}

func (c *Chats) guard(s chat.Sending) *types.Put {
	it := guardKey(s.User, s.Key)
	it[aVersion] = num(rowVersion)
	it[gBody], it[gChat], it[gQuestion], it[gReply], it[gHour] = str(s.Body), str(s.Chat), str(s.Question.ID), str(s.Reply), str(s.Question.Hour)
	it[aTTL] = num(s.At.Add(chat.KeyLife).Unix())
	if s.NewChat {
		it[gNewChat] = yes()
	}
	if c.region != "" {
		it[gRegion] = str(c.region)
	}
	return &types.Put{
		TableName: &c.table, Item: it,
		ConditionExpression:                 aws.String("attribute_not_exists(PK) OR #ttl < :now"),
		ExpressionAttributeNames:            map[string]string{"#ttl": aTTL},
		ExpressionAttributeValues:           item{":now": num(s.At.Unix())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// known looks for what the key of s stands for: one strongly consistent read.
func (c *Chats) known(ctx context.Context, s chat.Sending) (chat.Refusal, error) {
	out, err := c.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: guardKey(s.User, s.Key), ConsistentRead: aws.Bool(true)})
	switch {
	case err != nil:
		return chat.Refusal{}, unavailable("read guard", err)
	case out.Item == nil || number(out.Item, aTTL) < int(s.At.Unix()):
		return chat.Refusal{Shed: true}, nil
	}
	return chat.Refusal{Known: readGuard(s, out.Item)}, nil
}

func readGuard(s chat.Sending, it item) *chat.Sending {
	known := chat.Sending{User: s.User, Key: s.Key, Body: text(it, gBody), Chat: text(it, gChat), NewChat: flag(it, gNewChat), Reply: text(it, gReply)}
	known.Question.ID, known.Question.Hour = text(it, gQuestion), text(it, gHour)
	known.Region = text(it, gRegion)
	return &known
}

func (c *Chats) count(s chat.Sending) *types.Update {
	return &types.Update{
		TableName: &c.table, Key: quotaKey(s.User, s.Question.Hour),
		UpdateExpression:         aws.String("SET #ttl = :t ADD used :one"),
		ConditionExpression:      aws.String("attribute_not_exists(blocked) AND (attribute_not_exists(used) OR used < :limit)"),
		ExpressionAttributeNames: map[string]string{"#ttl": aTTL},
		ExpressionAttributeValues: item{
			":one": num(1), ":limit": num(s.Limit), ":t": num(s.At.Add(quotaLife).Unix()),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// hint makes a chat's row name s as its running reply, provided that none runs.
func (c *Chats) hint(s chat.Sending) *types.Update {
	u := &types.Update{
		TableName: &c.table, Key: chatKey(s.User, s.Chat),
		ExpressionAttributeValues:           item{":r": str(s.Reply), ":y": yes()},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if s.NewChat {
		u.UpdateExpression = aws.String("SET v = :v, t = :t, la = :r, ru = :y")
		u.ConditionExpression = aws.String("attribute_not_exists(PK) OR la = :r")
		u.ExpressionAttributeValues[":v"], u.ExpressionAttributeValues[":t"] = num(rowVersion), str(s.Title)
		return u
	}
	u.UpdateExpression = aws.String("SET la = :r, ru = :y")
	free := "attribute_not_exists(ru)"
	if s.Replaces != "" {
		free = "(attribute_not_exists(ru) OR la = :old)"
		u.ExpressionAttributeValues[":old"] = str(s.Replaces)
	}
	if !s.Again {
		free = "la < :r AND " + free // the order of ids is the order of messages
	}
	u.ConditionExpression = aws.String("attribute_exists(PK) AND (la = :r OR " + free + ")")
	return u
}

func refusedHint(s chat.Sending, old item) chat.Refusal {
	last := text(old, cLast)
	switch {
	case old == nil:
		return chat.Refusal{NoChat: true}
	case flag(old, cRunning) && last != s.Replaces:
		return chat.Refusal{Running: last}
	}
	return chat.Refusal{Ahead: last}
}

// Hold makes the chat's hint name s again and marks the guard: one transaction of
// two writes, 4 write units.
func (c *Chats) Hold(ctx context.Context, s chat.Sending) (chat.Refusal, error) {
	s.NewChat, s.Again = false, true // a new chat was made with the guard; if it is gone, its owner deleted it
	err := transact(ctx, c.db, []types.TransactWriteItem{{Update: c.retried(s)}, {Update: c.hint(s)}})
	reasons := refusals(err)
	if _, failed := refused(reasons, 0); failed {
		return chat.Refusal{Undone: true}, nil
	}
	if old, failed := refused(reasons, 1); failed {
		return refusedHint(s, old), nil
	}
	return chat.Refusal{}, unavailable("hold chat", err)
}

// retried marks the guard of s, provided that it still stands for s. Of a first
// try that wants to undo and a second one that goes on, one comes too late.
func (c *Chats) retried(s chat.Sending) *types.Update {
	u := &types.Update{
		TableName: &c.table, Key: guardKey(s.User, s.Key), UpdateExpression: aws.String("SET " + gAgain + " = :y"),
		ConditionExpression: aws.String(gReply + " = :r"), ExpressionAttributeValues: item{":r": str(s.Reply), ":y": yes()},
	}
	if c.region != "" {
		u.UpdateExpression = aws.String("SET " + gAgain + " = :y, " + gRegion + " = :here")
		u.ExpressionAttributeValues[":here"] = str(c.region)
	}
	return u
}

// Ask writes the question, or the queued reply to an existing one, and reads the
// hour's count beside it: as many write units as the row has KB, half a read unit.
func (c *Chats) Ask(ctx context.Context, s chat.Sending) (used int, err error) {
	counted := make(chan int, 1)
	go func() {
		used, err := c.Used(ctx, s.User, s.Question.Hour)
		if err != nil {
			used = -1 // no message fails over it
		}
		counted <- used
	}()
	err = c.putQuestion(ctx, s)
	return <-counted, err
}

func (c *Chats) putQuestion(ctx context.Context, s chat.Sending) error {
	ref := chat.Ref{User: s.User, Chat: s.Chat, Message: s.Question.ID}
	if s.Existing {
		ref.Message = s.Reply
	}
	it := messageKey(ref.User, ref.Chat, ref.Message)
	it[aVersion], it[aDeadline], it[aHour] = num(rowVersion), num(s.Question.Deadline.UnixMilli()), str(s.Question.Hour)
	if s.Question.Model != "" {
		it[aModel] = str(s.Question.Model)
	}
	in := &dynamodb.PutItemInput{TableName: &c.table, Item: it}
	if s.Existing {
		it[aRole], it[aParent], it[aStatus] = str("a"), str(s.Question.ID), str(string(chat.Queued))
		in.ConditionExpression = aws.String("attribute_not_exists(PK) OR st = :queued")
		in.ExpressionAttributeValues = item{":queued": str(string(chat.Queued))}
	} else {
		it[aRole] = str("u")
		if s.Question.Parent != "" {
			it[aParent] = str(s.Question.Parent)
		}
		if err := c.setBody(ctx, ref, s.Question.Text, quick, it); err != nil {
			return err
		}
		setFiles(s.Question.Attachments, it)
		if err := c.setAsked(ctx, ref, s.Question.Completion, it); err != nil {
			return err
		}
		if s.Passing {
			it[aTTL] = passed(s.At)
		}
	}
	_, err := c.db.PutItem(ctx, in)
	if _, failed := conditionFailed(err); failed {
		return nil // claimed meanwhile: it is where it has to be
	}
	return unavailable("put question", err)
}

// Undo takes a sending back that the queue did not get: question, quota, guard,
// hint and what it attached, in one transaction. ErrStale if a worker has claimed
// the reply, which shows that the queue got it after all. A guard that a second try
// has marked, or that is gone, lets nothing be undone. If it fails otherwise, the
// reply lapses at its deadline.
func (c *Chats) Undo(ctx context.Context, s chat.Sending) error {
	for {
		actions := c.retract(s)
		files := len(actions)
		err := transact(ctx, c.db, append(actions, c.detach(s)...))
		reasons := refusals(err)
		if _, failed := refused(reasons, 0); failed {
			return chat.ErrStale
		}
		if reasons == nil {
			return unavailable("undo message", err)
		}
		left := remaining(s.Attach, reasons[files:])
		if len(left) == len(s.Attach) {
			return unavailable("undo message", err)
		}
		s.Attach = left // the others were deleted meanwhile
	}
}

// retract is the part of Undo in the chats table.
func (c *Chats) retract(s chat.Sending) []types.TransactWriteItem {
	actions := append(c.unask(s), types.TransactWriteItem{Update: c.refund(s.User, s.Question.Hour)})
	switch {
	case s.NewChat:
		actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{TableName: &c.table, Key: chatKey(s.User, s.Chat)}})
	case !s.Passing:
		actions = append(actions, types.TransactWriteItem{Update: c.unhint(s.User, s.Chat, s.Reply)})
	}
	if s.Key != "" {
		actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{TableName: &c.table, Key: guardKey(s.User, s.Key),
			ConditionExpression: aws.String(gReply + " = :r AND attribute_not_exists(" + gAgain + ")"), ExpressionAttributeValues: item{":r": str(s.Reply)}}})
	}
	return actions
}

// unask removes the row that stands for the queued reply, on the condition, in the
// first action, that no worker has claimed it.
func (c *Chats) unask(s chat.Sending) []types.TransactWriteItem {
	reply := messageKey(s.User, s.Chat, s.Reply)
	if s.Existing {
		return []types.TransactWriteItem{{Delete: &types.Delete{TableName: &c.table, Key: reply,
			ConditionExpression: aws.String("st = :queued"), ExpressionAttributeValues: item{":queued": str(string(chat.Queued))}}}}
	}
	return []types.TransactWriteItem{
		{ConditionCheck: &types.ConditionCheck{TableName: &c.table, Key: reply, ConditionExpression: aws.String("attribute_not_exists(PK)")}},
		{Delete: &types.Delete{TableName: &c.table, Key: messageKey(s.User, s.Chat, s.Question.ID)}},
	}
}

// refund gives one message back to the window that paid for it. Where the window's
// row is gone, as after a purge, the one that this makes goes as well.
func (c *Chats) refund(user, hour string) *types.Update {
	return &types.Update{
		TableName: &c.table, Key: quotaKey(user, hour), UpdateExpression: aws.String("SET #ttl = if_not_exists(#ttl, :t) ADD used :minus"),
		ExpressionAttributeNames:  map[string]string{"#ttl": aTTL},
		ExpressionAttributeValues: item{":minus": num(-1), ":t": num(time.Now().Add(quotaLife).Unix())},
	}
}

// unhint clears a chat's hint in a transaction, if it still names that reply and
// the chat is still there.
func (c *Chats) unhint(user, chatID, reply string) *types.Update {
	return &types.Update{
		TableName: &c.table, Key: chatKey(user, chatID), UpdateExpression: aws.String("REMOVE ru"),
		ConditionExpression:       aws.String("la = :r"),
		ExpressionAttributeValues: item{":r": str(reply)},
	}
}
