package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/chat"
	"parley/shared/id"
)

// Chats is the table of chats and messages, with its bucket of large bodies.
type Chats struct {
	db     *dynamodb.Client
	s3     *s3.Client
	table  string
	bucket string
	files  string // table of files; only of those WithFiles
	region string // stamped on guards and claims; only of those InRegion
	copied bool   // bodies are, to other regions
}

// Copied returns c as one whose bodies S3 copies to other regions, or not. What is purged
// goes from the copies, too (sweep.Versions).
func (c *Chats) Copied(yes bool) *Chats {
	in := *c
	in.copied = yes
	return &in
}

// InRegion returns c with the name of the region that it writes in, which other
// regions then read with a key's sending and a reply's attempt; empty: there is one.
func (c *Chats) InRegion(name string) *Chats {
	in := *c
	in.region = name
	return &in
}

// NewChats opens the table. Processes that never touch a body may pass no bucket.
func NewChats(db *dynamodb.Client, objects *s3.Client, table, bucket string) *Chats {
	return &Chats{db: db, s3: objects, table: table, bucket: bucket}
}

// Attributes of a chat's row.
const (
	cTitle    = "t"
	cLast     = "la" // id of the last reply that was asked for; gives the time of the last activity
	cRunning  = "ru" // present while that reply may run: a hint
	cPinned   = "pi"
	cArchived = "ar"
	cRenamed  = "rn" // id of the time when its title was changed: what a search goes by
)

func readChat(it item) chat.Chat {
	c := chat.Chat{
		ID: text(it, sk)[len("C#"):], Title: text(it, cTitle), Last: text(it, cLast),
		Pinned: flag(it, cPinned), Archived: flag(it, cArchived), Renamed: text(it, cRenamed),
	}
	c.CreatedAt, c.UpdatedAt = id.Time(c.ID), id.Time(c.Last)
	if flag(it, cRunning) {
		c.Running = c.Last
	}
	return c
}

// Chats returns all chats of a user in any order: one eventually consistent query
// over their rows of about 150 bytes. There is no index by activity, because it
// would cost every turn two write units, and lists are read far less often.
func (c *Chats) Chats(ctx context.Context, user string) ([]chat.Chat, error) {
	chats := []chat.Chat{}
	err := c.each(ctx, user, "C#", func(it item) error {
		chats = append(chats, readChat(it))
		return nil
	})
	return chats, err
}

// each calls fn for the rows of a user whose sort key begins so.
func (c *Chats) each(ctx context.Context, user, prefix string, fn func(item) error) error {
	in := &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :s)"),
		ExpressionAttributeValues: item{":p": str(owner(user)), ":s": str(prefix)},
	}
	for pages := dynamodb.NewQueryPaginator(c.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("query rows", err)
		}
		for _, it := range page.Items {
			if err := fn(it); err != nil {
				return err
			}
		}
	}
	return nil
}

// Chat returns one chat: one consistent read.
func (c *Chats) Chat(ctx context.Context, user, chatID string) (chat.Chat, error) {
	it, err := c.get(ctx, chatKey(user, chatID))
	if err != nil || it == nil {
		return chat.Chat{}, orMissing(err, chat.ErrNoChat)
	}
	return readChat(it), nil
}

func (c *Chats) get(ctx context.Context, k item) (item, error) {
	out, err := c.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, unavailable("get row", err)
	}
	return out.Item, nil
}

func orMissing(err, missing error) error {
	if err != nil {
		return err
	}
	return missing
}

// Change changes what a user may change of a chat: one write.
func (c *Chats) Change(ctx context.Context, user, chatID string, ch chat.Changes) (chat.Chat, error) {
	set, values := "SET v = :v", item{":v": num(rowVersion)}
	add := func(attr string, v types.AttributeValue) {
		set += fmt.Sprintf(", %s = :%s", attr, attr)
		values[":"+attr] = v
	}
	if ch.Title != nil {
		add(cTitle, str(*ch.Title))
		add(cRenamed, str(id.Floor(time.Now())))
	}
	if ch.Pinned != nil {
		add(cPinned, &types.AttributeValueMemberBOOL{Value: *ch.Pinned})
	}
	if ch.Archived != nil {
		add(cArchived, &types.AttributeValueMemberBOOL{Value: *ch.Archived})
	}
	out, err := c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &c.table, Key: chatKey(user, chatID), UpdateExpression: &set, ExpressionAttributeValues: values,
		ConditionExpression: aws.String("attribute_exists(PK)"), ReturnValues: types.ReturnValueAllNew,
	})
	if _, failed := conditionFailed(err); failed {
		return chat.Chat{}, chat.ErrNoChat
	}
	if err != nil {
		return chat.Chat{}, unavailable("change chat", err)
	}
	return readChat(out.Attributes), nil
}

// DeleteChat removes a chat's row: the chat is gone for every reader. Its messages
// are left to Purge. One write.
func (c *Chats) DeleteChat(ctx context.Context, user, chatID string) error {
	_, err := c.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &c.table, Key: chatKey(user, chatID), ConditionExpression: aws.String("attribute_exists(PK)"),
	})
	if _, failed := conditionFailed(err); failed {
		return chat.ErrNoChat
	}
	return unavailable("delete chat", err)
}

// SetFeedback keeps what the user thinks of a reply that has ended.
func (c *Chats) SetFeedback(ctx context.Context, ref chat.Ref, f chat.Feedback) error {
	_, err := c.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &c.table, Key: messageKey(ref.User, ref.Chat, ref.Message),
		UpdateExpression:          aws.String("SET fb = :r, fc = :c"),
		ConditionExpression:       aws.String("st IN (:done, :failed, :cancelled)"),
		ExpressionAttributeValues: item{":r": str(f.Rating), ":c": str(f.Comment), ":done": str(string(chat.Done)), ":failed": str(string(chat.Failed)), ":cancelled": str(string(chat.Cancelled))},
	})
	if _, failed := conditionFailed(err); failed {
		return chat.ErrNoMessage
	}
	return unavailable("set feedback", err)
}

// Used returns how many messages a user has sent in a quota window: half a read
// unit, and perhaps a moment old.
func (c *Chats) Used(ctx context.Context, user, hour string) (int, error) {
	out, err := c.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: quotaKey(user, hour)})
	if err != nil {
		return 0, unavailable("read quota", err)
	}
	return number(out.Item, "used"), nil
}

// Block refuses a user's sends at once, while tokens that were given out before
// are still good, or lets them through again: quota windows are marked for the
// two hours in which such a token can be used.
func (c *Chats) Block(ctx context.Context, user string, on bool, hours ...string) error {
	expr := "REMOVE blocked"
	var values item
	if on {
		expr, values = "SET blocked = :y, #ttl = :t", item{":y": yes(), ":t": num(time.Now().Add(3 * time.Hour).Unix())}
	}
	for _, hour := range hours {
		in := &dynamodb.UpdateItemInput{TableName: &c.table, Key: quotaKey(user, hour), UpdateExpression: &expr, ExpressionAttributeValues: values}
		if on {
			in.ExpressionAttributeNames = map[string]string{"#ttl": aTTL}
		}
		if _, err := c.db.UpdateItem(ctx, in); err != nil {
			return unavailable("block user", err)
		}
	}
	return nil
}
