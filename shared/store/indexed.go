package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"parley/shared/chat"
)

// Attributes of the row that says what of a user's history is indexed.
const (
	iManifest = "z" // as package search encodes it
	iNumber   = "n" // how often it was replaced
)

// Indexed returns the manifest of what is indexed of a user, and its number: nil and
// 0 if nothing is. One consistent read of a few KB.
func (c *Chats) Indexed(ctx context.Context, user string) (manifest []byte, times int, err error) {
	it, err := c.get(ctx, indexedKey(user))
	return bytesOf(it, iManifest), number(it, iNumber), err
}

// SetIndexed puts a manifest in the place of the one of that number; nil: none. False if
// that was replaced meanwhile. As many write units as the manifest has KB.
func (c *Chats) SetIndexed(ctx context.Context, user string, manifest []byte, was int) (bool, error) {
	if manifest == nil {
		_, err := c.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &c.table, Key: indexedKey(user),
			ConditionExpression: aws.String("n = :was"), ExpressionAttributeValues: item{":was": num(was)}})
		return replaced("remove manifest", err)
	}
	in := &dynamodb.UpdateItemInput{
		TableName: &c.table, Key: indexedKey(user),
		UpdateExpression:          aws.String("SET v = :v, z = :z, n = :n"),
		ConditionExpression:       aws.String("n = :was"),
		ExpressionAttributeValues: item{":v": num(rowVersion), ":z": bin(manifest), ":n": num(was + 1), ":was": num(was)},
	}
	if was == 0 {
		in.ConditionExpression = aws.String("attribute_not_exists(PK)")
		delete(in.ExpressionAttributeValues, ":was")
	}
	_, err := c.db.UpdateItem(ctx, in)
	return replaced("replace manifest", err)
}

func replaced(what string, err error) (bool, error) {
	if _, failed := conditionFailed(err); failed {
		return false, nil
	}
	return err == nil, unavailable(what, err)
}

// Active returns the chats in which a question was asked, or that were renamed, after
// the time of that id; empty: all. The rows of all chats are read for that, and those
// that were active come over: there is no index by activity. All are read consistently,
// since what isn't among them is given up.
func (c *Chats) Active(ctx context.Context, user, since string) ([]chat.Chat, error) {
	in := &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :s)"),
		ExpressionAttributeValues: item{":p": str(owner(user)), ":s": str("C#")}, ConsistentRead: aws.Bool(since == ""),
	}
	if since != "" {
		in.FilterExpression = aws.String(cLast + " > :since OR " + cRenamed + " > :since")
		in.ExpressionAttributeValues[":since"] = str(since)
	}
	var chats []chat.Chat
	for pages := dynamodb.NewQueryPaginator(c.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, unavailable("query chats", err)
		}
		for _, it := range page.Items {
			chats = append(chats, readChat(it))
		}
	}
	return chats, nil
}

// Between calls each for the messages of a chat with ids above after and up to upto,
// in order, as many at a time as one query brings: a MB of rows, eventually
// consistent.
func (c *Chats) Between(ctx context.Context, user, chatID, after, upto string, each func([]chat.Message) error) error {
	if upto <= after {
		return nil // DynamoDB takes this for a mistake
	}
	prefix := messagePrefix(chatID)
	in := &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: aws.String("PK = :p AND SK BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{":p": str(owner(user)), ":from": str(prefix + after), ":to": str(prefix + upto)},
	}
	if after != "" {
		in.ExclusiveStartKey = messageKey(user, chatID, after)
	}
	for {
		out, err := c.db.Query(ctx, in)
		if err != nil {
			return unavailable("query messages", err)
		}
		rows, err := readRows(out.Items)
		if err != nil {
			return err
		}
		messages, err := c.texts(ctx, user, rows)
		if err != nil {
			return err
		}
		if len(messages) > 0 {
			if err := each(messages); err != nil {
				return err
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return nil
		}
	}
}

// First returns the message that a chat begins with: one eventually consistent query.
func (c *Chats) First(ctx context.Context, user, chatID string) (chat.Message, error) {
	out, err := c.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :s)"), Limit: aws.Int32(1),
		ExpressionAttributeValues: item{":p": str(owner(user)), ":s": str(messagePrefix(chatID))},
	})
	if err != nil {
		return chat.Message{}, unavailable("query first message", err)
	}
	if len(out.Items) == 0 {
		return chat.Message{}, chat.ErrNoMessage
	}
	return c.one(ctx, user, out.Items[0])
}

// Existing returns those of up to 100 chats that are there, by id: one consistent
// read unit each, in one call.
func (c *Chats) Existing(ctx context.Context, user string, ids []string) (map[string]chat.Chat, error) {
	var keys []item
	for _, one := range ids {
		keys = append(keys, chatKey(user, one))
	}
	rows, err := batch(ctx, c.db, c.table, keys, true)
	chats := map[string]chat.Chat{}
	for _, it := range rows {
		one := readChat(it)
		chats[one.ID] = one
	}
	return chats, err
}

// Messages returns those of up to 100 messages that are there, by id: eventually
// consistent reads in one call, and another one where they are more than 16 MB.
func (c *Chats) Messages(ctx context.Context, refs []chat.Ref) (map[string]chat.Message, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var keys []item
	for _, ref := range refs {
		keys = append(keys, messageKey(ref.User, ref.Chat, ref.Message))
	}
	items, err := batch(ctx, c.db, c.table, keys, false)
	if err != nil {
		return nil, err
	}
	rows, err := readRows(items)
	if err != nil {
		return nil, err
	}
	messages, err := c.texts(ctx, refs[0].User, rows)
	byID := map[string]chat.Message{}
	for _, m := range messages {
		byID[m.ID] = m
	}
	return byID, err
}
