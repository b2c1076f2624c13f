// Signup lets people open an account.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"parley/shared/account"
	"parley/shared/accountapi"
	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/config"
	"parley/shared/id"
	"parley/shared/kms"
	"parley/shared/mail"
	"parley/shared/store"
)

type settings struct {
	AccountsTable string `env:"ACCOUNTS_TABLE,required"`
	Key           string `env:"KMS_KEY_ID,required"` // encrypts the signing keys
	MailFrom      string `env:"MAIL_FROM,required"`
	Origin        string `env:"ORIGIN,required"` // of the page, for links in mails
	EdgeSecret    string `env:"EDGE_SECRET"`
	PerAddress    int    `env:"SIGNUP_PER_ADDRESS" envDefault:"20"` // an hour, from one network
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	h, err := handler(context.Background(), log)
	if err != nil {
		log.Error("can't start", "error", err.Error())
		os.Exit(1)
	}
	api.StartLambda(h)
}

func handler(ctx context.Context, log *slog.Logger) (http.Handler, error) {
	c, err := config.Load[settings]()
	if err != nil {
		return nil, err
	}
	cfg, err := store.AWS(ctx)
	if err != nil {
		return nil, err
	}
	accounts := store.NewAccounts(store.DynamoDB(cfg), c.AccountsTable)
	signer := auth.NewSigner(auth.NewKeyring(accounts, time.Now), kms.New(cfg, c.Key))
	service := &api.Service{EdgeSecret: c.EdgeSecret, Log: log}
	return service.Mux(accountapi.SignUp(service, &account.Registration{
		Issuer: account.Issuer{Signer: signer, Now: time.Now, IDs: id.New},
		Users:  accounts, Throttle: accounts, Mailer: mail.New(cfg, c.MailFrom),
		PerAddress: account.PerHour(c.PerAddress), Origin: c.Origin, Log: log,
	})), nil
}
