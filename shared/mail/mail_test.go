//go:build service

package mail_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"parley/shared/account"
	"parley/shared/id"
	"parley/shared/mail"
	"parley/shared/problem"
	"parley/shared/store"
)

func TestSendReachesTheMailbox(t *testing.T) {
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from := "parley@example.com"
	_, err = sesv2.NewFromConfig(cfg).CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: &from})
	if err != nil && !strings.Contains(err.Error(), "AlreadyExists") {
		t.Fatalf("this test needs the embedded AWS, which `make test` starts: %v", err)
	}
	mark := id.New(time.Now())
	letter := account.Letter{To: "ada@example.com", Subject: "Grüße", Text: "https://parley.example/#verify=" + mark}
	if err := mail.New(cfg, from).Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(os.Getenv("AWS_ENDPOINT_URL") + "/_ministack/ses/messages")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	box, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(box), mark) {
		t.Errorf("the letter isn't in the mailbox: %v, %.300s", err, box)
	}
}

func TestSendSaysThatSESIsAway(t *testing.T) {
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseEndpoint = aws.String("http://127.0.0.1:9") // nothing listens there
	err = mail.New(cfg, "parley@example.com").Send(t.Context(), account.Letter{To: "ada@example.com"})
	if problem.From(err).Kind != problem.Unavailable {
		t.Errorf("%v, want unavailable", err)
	}
}
