package account

import (
	"context"
	"fmt"
)

// Letter is a mail to one address. Nothing that a user chose goes into it besides
// the address, so that sign-up can't be used to send a text to somebody else.
type Letter struct {
	To      string
	Subject string
	Text    string
}

// Mailer sends letters.
type Mailer interface {
	Send(ctx context.Context, l Letter) error
}

func verifyLetter(to, origin, token string) Letter {
	return Letter{To: to, Subject: "Confirm your e-mail address for Parley", Text: fmt.Sprintf(
		"Somebody, most likely you, signed up for Parley with this address.\n\n"+
			"Confirm it by opening this link within 24 hours:\n\n%s/#verify=%s\n\n"+
			"If it wasn't you, do nothing: the address stays free for you.\n", origin, token)}
}

func resetLetter(to, origin, token string) Letter {
	return Letter{To: to, Subject: "Choose a new password for Parley", Text: fmt.Sprintf(
		"Somebody, most likely you, asked for a new password for Parley.\n\n"+
			"Choose it by opening this link within one hour:\n\n%s/#reset=%s\n\n"+
			"If it wasn't you, do nothing: your password stays as it is.\n", origin, token)}
}
