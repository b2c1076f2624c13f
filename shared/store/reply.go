package store

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
	"parley/shared/id"
)

// Claim gives the reply a row that says it runs, and raises its attempt: one
// write unit. ErrStale if the reply has ended.
func (c *Chats) Claim(ctx context.Context, p chat.Prompt) (chat.Message, error) {
	values := item{
		":v": num(rowVersion), ":a": str("a"), ":p": str(p.Question), ":h": str(p.Hour), ":one": num(1),
		":running": str(string(chat.Running)), ":queued": str(string(chat.Queued)),
	}
	set := "SET v = :v, r = :a, p = :p, h = :h, st = :running"
	names := map[string]string{"#at": aAttempt}
	set += expiring(p.Ref(), values, names)
	if p.Model != "" {
		set += ", m = :m"
		values[":m"] = str(p.Model)
	}
	if c.region != "" {
		set += ", " + aRegion + " = :here"
		values[":here"] = str(c.region)
	}
	out, err := c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &c.table, Key: messageKey(p.User, p.Chat, p.Reply),
		UpdateExpression:          aws.String(set + " ADD #at :one"),
		ConditionExpression:       aws.String(unended(p)),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
		ReturnValues:              types.ReturnValueAllNew,
	})
	if _, failed := conditionFailed(err); failed {
		return chat.Message{}, chat.ErrStale
	}
	if err != nil {
		return chat.Message{}, unavailable("claim reply", err)
	}
	r, err := readRow(out.Attributes)
	return r.Message, err
}

// HandBack counts that this attempt was given up through no fault of the prompt, or
// was overtaken by a later one while its worker lived: one write unit, spent only
// then. Where the answer to a call was lost it may count twice, which gives the
// prompt one more attempt. ErrStale if the reply has ended.
func (c *Chats) HandBack(ctx context.Context, ref chat.Ref, attempt int) error {
	_, err := c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &c.table, Key: messageKey(ref.User, ref.Chat, ref.Message),
		UpdateExpression:         aws.String("ADD #hb :one"),
		ConditionExpression:      aws.String("st = :running AND #at >= :attempt"),
		ExpressionAttributeNames: map[string]string{"#at": aAttempt, "#hb": aBack},
		ExpressionAttributeValues: item{
			":one": num(1), ":running": str(string(chat.Running)), ":attempt": num(attempt)},
	})
	if _, failed := conditionFailed(err); failed {
		return chat.ErrStale
	}
	return unavailable("hand back reply", err)
}

// unended is the condition that the reply of p has not ended. The first reply to a
// question has no row before it is claimed; any other one was queued with its row,
// and if that is gone the reply was taken back.
func unended(p chat.Prompt) string {
	if p.Reply == chat.ReplyOf(p.Question) {
		return "attribute_not_exists(PK) OR st IN (:queued, :running)"
	}
	return "st IN (:queued, :running)"
}

// Drop removes the row of a claimed reply whose question turned out to be gone.
func (c *Chats) Drop(ctx context.Context, ref chat.Ref) error {
	_, err := c.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &c.table, Key: messageKey(ref.User, ref.Chat, ref.Message)})
	return unavailable("drop reply", err)
}

// Recent returns the question and up to n-1 messages before it, newest first: one
// eventually consistent query, and a consistent one if that one shows that it is
// behind. ErrNoMessage if the question is gone.
func (c *Chats) Recent(ctx context.Context, ref chat.Ref, n int) ([]chat.Message, error) {
	for _, consistent := range []bool{false, true} {
		rows, _, err := c.below(ctx, ref, "<=", n, consistent)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 && rows[0].ID == ref.Message && (consistent || upToDate(rows)) {
			return c.recent(ctx, ref, rows)
		}
	}
	return nil, chat.ErrNoMessage
}

// recent unpacks what Recent read, the newest as the completion that it may be.
func (c *Chats) recent(ctx context.Context, ref chat.Ref, rows []row) ([]chat.Message, error) {
	messages, err := c.texts(ctx, ref.User, rows)
	if err != nil {
		return nil, err
	}
	messages[0].Completion, err = c.asked(ctx, ref, rows[0])
	return messages, err
}

// upToDate reports whether what stands before a question is as it was when the
// question was accepted: a chat takes a question only after its last reply has
// ended or lapsed, and its first one in the millisecond of its own beginning.
func upToDate(rows []row) bool {
	question := rows[0]
	if len(rows) == 1 {
		return id.Time(question.Chat).Equal(question.CreatedAt)
	}
	if last := rows[1]; last.Role == chat.User {
		return chat.Pending(last.Message).AsOf(question.CreatedAt).Lapsed
	}
	return rows[1].Status.Ended()
}

// Before returns up to limit messages before one, newest first, and whether there
// are more: one eventually consistent query, which ends early at 1 MB.
func (c *Chats) Before(ctx context.Context, ref chat.Ref, limit int) ([]chat.Message, bool, error) {
	rows, more, err := c.below(ctx, ref, "<", limit, false)
	if err != nil {
		return nil, false, err
	}
	messages, err := c.texts(ctx, ref.User, rows)
	return messages, more, err
}

// below queries a chat's rows under a bound, newest first.
func (c *Chats) below(ctx context.Context, ref chat.Ref, bound string, limit int, consistent bool) ([]row, bool, error) {
	prefix := messagePrefix(ref.Chat)
	condition, values := "PK = :p AND SK BETWEEN :from AND :to", item{":p": str(owner(ref.User)), ":from": str(prefix), ":to": str(prefix + ref.Message)}
	if ref.Message == "" {
		values[":to"] = str(prefix + "~")
	}
	in := &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: &condition, ExpressionAttributeValues: values,
		ScanIndexForward: aws.Bool(false), Limit: aws.Int32(int32(limit)), ConsistentRead: &consistent,
	}
	if bound == "<" && ref.Message != "" {
		in.ExclusiveStartKey = messageKey(ref.User, ref.Chat, ref.Message)
	}
	out, err := c.db.Query(ctx, in)
	if err != nil {
		return nil, false, unavailable("query messages", err)
	}
	rows, err := readRows(out.Items)
	return rows, out.LastEvaluatedKey != nil, err
}

// Page returns messages of a chat with ids under before, newest first, and
// whether older ones are left: one eventually consistent query, which may miss
// what was written some milliseconds ago, and beside it, to make sure that the
// chat is still there, one consistent read of its row; bodies in S3 are fetched
// only for what the page shows.
func (c *Chats) Page(ctx context.Context, user, chatID, before string, limit int) ([]chat.Message, bool, error) {
	found := make(chan error, 1)
	go func() {
		_, err := c.Chat(ctx, user, chatID)
		found <- err
	}()
	rows, more, err := c.below(ctx, chat.Ref{User: user, Chat: chatID, Message: before}, "<", limit, false)
	if err := errors.Join(<-found, err); err != nil {
		return nil, false, err
	}
	size := 0
	for i, r := range rows {
		if size += r.size; size > chat.MaxPageBytes && i > 0 {
			rows, more = rows[:i], true
			break
		}
	}
	messages, err := c.texts(ctx, user, rows)
	return messages, more, err
}

// Message returns one message: one consistent read, or two for a reply that has
// no row yet.
func (c *Chats) Message(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	it, err := c.get(ctx, messageKey(ref.User, ref.Chat, ref.Message))
	if err != nil {
		return chat.Message{}, err
	}
	if it == nil {
		return c.pending(ctx, ref)
	}
	return c.one(ctx, ref.User, it)
}

// Glance returns a reply as it stood a moment ago: one eventually consistent query
// for the reply and the question that may stand for it, which is half a read unit
// until the reply has ended. ErrNoMessage also if it is too new to be seen.
func (c *Chats) Glance(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	question := ref
	question.Message = chat.QuestionOf(ref.Message)
	out, err := c.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: aws.String("PK = :p AND SK BETWEEN :q AND :r"), ScanIndexForward: aws.Bool(false),
		ExpressionAttributeValues: item{
			":p": str(owner(ref.User)), ":q": messageKey(ref.User, ref.Chat, question.Message)[sk], ":r": messageKey(ref.User, ref.Chat, ref.Message)[sk]},
	})
	if err != nil {
		return chat.Message{}, unavailable("query reply", err)
	}
	rows, err := readRows(out.Items)
	switch {
	case err != nil:
		return chat.Message{}, err
	case len(rows) > 0 && rows[0].ID == ref.Message:
		return c.one(ctx, ref.User, out.Items[0])
	case len(rows) > 0 && rows[0].Role == chat.User:
		return chat.Pending(rows[0].Message), nil
	}
	return chat.Message{}, chat.ErrNoMessage
}

func (c *Chats) one(ctx context.Context, user string, it item) (chat.Message, error) {
	r, err := readRow(it)
	if err != nil {
		return chat.Message{}, err
	}
	messages, err := c.texts(ctx, user, []row{r})
	if err != nil {
		return chat.Message{}, err
	}
	return messages[0], nil
}

// pending finds the question that stands for a reply without a row.
func (c *Chats) pending(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	it, err := c.get(ctx, messageKey(ref.User, ref.Chat, chat.QuestionOf(ref.Message)))
	if err != nil || it == nil {
		return chat.Message{}, orMissing(err, chat.ErrNoMessage)
	}
	question, err := readRow(it)
	if err != nil {
		return chat.Message{}, err
	}
	if question.Role != chat.User {
		return chat.Message{}, chat.ErrNoMessage
	}
	return chat.Pending(question.Message), nil
}

// Commit ends a running reply on behalf of that attempt: one conditional write of
// the text (as many write units as it has KB), then one that clears the chat's
// hint. ErrStale if the attempt is no longer the reply's.
func (c *Chats) Commit(ctx context.Context, ref chat.Ref, attempt int, r chat.Result) error {
	if r.Status == chat.Failed {
		return c.fail(ctx, ref, r, "st = :running AND #at = :attempt", item{":running": str(string(chat.Running)), ":attempt": num(attempt)})
	}
	set, values, err := c.ending(ctx, ref, r)
	if err != nil {
		return err
	}
	values[":running"], values[":attempt"] = str(string(chat.Running)), num(attempt)
	_, err = c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &c.table, Key: messageKey(ref.User, ref.Chat, ref.Message), UpdateExpression: &set,
		ConditionExpression:       aws.String("st = :running AND #at = :attempt"),
		ExpressionAttributeNames:  map[string]string{"#at": aAttempt},
		ExpressionAttributeValues: values,
	})
	if _, failed := conditionFailed(err); failed {
		return chat.ErrStale
	}
	if err != nil {
		return unavailable("commit reply", err)
	}
	c.clear(ctx, ref)
	return nil
}

// clear removes a chat's hint. That it fails does no harm: the hint is checked
// against the reply when it stands in the way.
func (c *Chats) clear(ctx context.Context, ref chat.Ref) {
	if ref.Passing() {
		return
	}
	u := c.unhint(ref.User, ref.Chat, ref.Message)
	_, _ = c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression,
		ConditionExpression: u.ConditionExpression, ExpressionAttributeValues: u.ExpressionAttributeValues,
	})
}

// ending is the update that ends a reply.
func (c *Chats) ending(ctx context.Context, ref chat.Ref, r chat.Result) (string, item, error) {
	it := item{
		aStatus: str(string(r.Status)),
		aPrompt: num(r.Usage.PromptTokens), aOutput: num(r.Usage.CompletionTokens), aCached: num(r.Usage.CachedTokens),
	}
	if r.Finish != "" {
		it[aFinish] = str(r.Finish)
	}
	if r.Failure != nil {
		it[aError], it[aDetail] = str(r.Failure.Code), str(r.Failure.Detail)
	}
	if len(r.Sent) > 0 {
		it[aSent] = str(strings.Join(r.Sent, ""))
	}
	if err := c.setBody(ctx, ref, r.Text, tight, it); err != nil {
		return "", nil, err
	}
	if err := setCalls(r.Calls, it); err != nil {
		return "", nil, err
	}
	set, values := "SET ", item{}
	for name, v := range it {
		if len(values) > 0 {
			set += ", "
		}
		set += name + " = :" + name
		values[":"+name] = v
	}
	return set, values, nil
}

// Fail ends a reply that no worker will write: the row of a reply that is still
// queued or running becomes failed and its quota is given back, once. ErrStale if
// it has ended.
func (c *Chats) Fail(ctx context.Context, p chat.Prompt, f chat.Failure) error {
	r := chat.Result{Status: chat.Failed, Failure: &f, Hour: p.Hour}
	return c.fail(ctx, p.Ref(), r, unended(p),
		item{":queued": str(string(chat.Queued)), ":running": str(string(chat.Running))}, p.Question)
}

// fail writes the failure and the refund in one transaction, so that the quota
// comes back exactly once.
func (c *Chats) fail(ctx context.Context, ref chat.Ref, r chat.Result, condition string, more item, question ...string) error {
	set, values, err := c.ending(ctx, ref, r)
	if err != nil {
		return err
	}
	for k, v := range more {
		values[k] = v
	}
	if len(question) > 0 {
		set += ", v = :v, r = :a, p = :p"
		values[":v"], values[":a"], values[":p"] = num(rowVersion), str("a"), str(question[0])
	}
	names := map[string]string{}
	if _, ok := values[":attempt"]; ok {
		names["#at"] = aAttempt
	}
	set += expiring(ref, values, names)
	update := &types.Update{
		TableName: &c.table, Key: messageKey(ref.User, ref.Chat, ref.Message), UpdateExpression: &set,
		ConditionExpression: &condition, ExpressionAttributeValues: values,
	}
	if len(names) > 0 { // DynamoDB takes no empty ones
		update.ExpressionAttributeNames = names
	}
	err = transact(ctx, c.db, []types.TransactWriteItem{{Update: update}, {Update: c.refund(ref.User, r.Hour)}})
	if _, failed := refused(refusals(err), 0); failed {
		return chat.ErrStale
	}
	if err != nil {
		return unavailable("fail reply", err)
	}
	c.clear(ctx, ref)
	return nil
}

// Cancel ends a queued reply at once and returns it; a running one comes back as
// it is, for its worker to end.
func (c *Chats) Cancel(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	m, err := c.Message(ctx, ref)
	if err != nil || m.Status != chat.Queued {
		return m, err
	}
	in := &dynamodb.UpdateItemInput{
		TableName: &c.table, Key: messageKey(ref.User, ref.Chat, ref.Message),
		ConditionExpression: aws.String("attribute_not_exists(PK) OR st = :queued"),
		ExpressionAttributeValues: item{
			":v": num(rowVersion), ":a": str("a"), ":p": str(m.Parent), ":h": str(m.Hour), ":zero": num(0),
			":cancelled": str(string(chat.Cancelled)), ":queued": str(string(chat.Queued)),
		},
		ReturnValues: types.ReturnValueAllNew,
	}
	names := map[string]string{}
	in.UpdateExpression = aws.String("SET v = :v, r = :a, p = :p, h = :h, st = :cancelled, fr = :cancelled, up = :zero, uc = :zero, uk = :zero" +
		expiring(ref, in.ExpressionAttributeValues, names))
	if len(names) > 0 {
		in.ExpressionAttributeNames = names
	}
	out, err := c.db.UpdateItem(ctx, in)
	if _, failed := conditionFailed(err); failed {
		return c.Message(ctx, ref) // claimed or ended in between
	}
	if err != nil {
		return m, unavailable("cancel reply", err)
	}
	c.clear(ctx, ref)
	return c.one(ctx, ref.User, out.Attributes)
}
