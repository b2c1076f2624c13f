// Package mail sends the account's letters through Amazon SES.
package mail

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"parley/shared/account"
	"parley/shared/problem"
)

// sendWait bounds one letter with its retries; a request waits for it.
const sendWait = 3 * time.Second

// Sender sends from one address, which SES must have verified.
type Sender struct {
	ses  *sesv2.Client
	from string
}

// New returns a Sender from that address.
func New(cfg aws.Config, from string) *Sender {
	return &Sender{ses: sesv2.NewFromConfig(cfg), from: from}
}

// Send hands a letter, plain text in UTF-8, to SES. Unavailable if SES doesn't
// take it.
func (s *Sender) Send(ctx context.Context, l account.Letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendWait)
	defer cancel()
	content := func(text string) *types.Content {
		return &types.Content{Data: &text, Charset: aws.String("UTF-8")}
	}
	_, err := s.ses.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: &s.from,
		Destination:      &types.Destination{ToAddresses: []string{l.To}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: content(l.Subject), Body: &types.Body{Text: content(l.Text)},
		}},
	})
	if err != nil {
		return problem.New(problem.Unavailable, "mail_unavailable", "The mail could not be sent; please try again in a moment.").
			Because(fmt.Errorf("SES: %w", err))
	}
	return nil
}
